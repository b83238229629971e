"""The CUDA C++ sources of the package, and the preprocessor definition of each tensor type."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import torch

OPERATIONS = ("channelnorm", "correlation", "resample2d")
"""Each has a source file of its name, whose kernels have names that begin with it."""

TYPE_DEFINITIONS = {
    torch.float64: "VST_FLOAT64",
    torch.float32: "VST_FLOAT32",
    torch.float16: "VST_FLOAT16",
    torch.bfloat16: "VST_BFLOAT16",
}
"""The preprocessor macro that selects each type of tensor."""

_HEADERS = ("half.cuh", "scalar.cuh")


class KernelSource(NamedTuple):
    """A source file with its headers.

    Attributes:
        name: The file name in messages of the compiler.
        text: Contents of the file.
        headers: Contents of the headers by name.
    """

    name: str
    text: str
    headers: dict[str, str]


@cache
def read_source(operation: str) -> KernelSource:
    """The source of one of the ``OPERATIONS``, with all headers."""
    folder = files(__package__)
    name = f"{operation}.cu"
    headers = {header: folder.joinpath(header).read_text(encoding="utf-8") for header in _HEADERS}
    return KernelSource(name, folder.joinpath(name).read_text(encoding="utf-8"), headers)
