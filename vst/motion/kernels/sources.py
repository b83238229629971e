"""The CUDA C++ sources of the package, and what the compiler is told about a type."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import torch

OPERATIONS = ("channelnorm", "correlation", "resample2d")
"""Each has its source in a file of its name, and kernels whose names begin with it."""

DEFINITIONS = {
    torch.float64: "VST_FLOAT64",
    torch.float32: "VST_FLOAT32",
    torch.float16: "VST_FLOAT16",
    torch.bfloat16: "VST_BFLOAT16",
}
"""What a source is compiled with for each type of tensor."""

_HEADERS = ("half.cuh", "scalar.cuh")


class Source(NamedTuple):
    """What is compiled together.

    Attributes:
        name: The file that the compiler's messages name.
        text: What it holds.
        headers: Files that it includes, by name.
    """

    name: str
    text: str
    headers: dict[str, str]


@cache
def read_source(operation: str) -> Source:
    """The source of one of the ``OPERATIONS``, with all headers."""
    folder = files(__package__)
    name = f"{operation}.cu"
    headers = {header: folder.joinpath(header).read_text(encoding="utf-8") for header in _HEADERS}
    return Source(name, folder.joinpath(name).read_text(encoding="utf-8"), headers)
