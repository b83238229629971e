"""What a mode remembers, as a safetensors file: exact, and nothing in it is ever run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

COUNT = "tensors"
MOST = 4096
"""Tensors of a state at most."""


def save_state(path: Path, state: tuple[Tensor, ...]) -> None:
    """Write what `Mode.snapshot` gave, values and order in memory.

    The order in memory (channels last or first) decides by which arithmetic a convolution is done.

    Raises:
        OSError: If it cannot be written.
    """
    tensors, metadata = {}, {COUNT: str(len(state))}
    for number, tensor in enumerate(state):
        strides = tensor.stride()
        # Largest first; sorting leaves equals as they are.
        order = sorted(range(tensor.dim()), key=strides.__getitem__, reverse=True)
        # Cloned: safetensors takes no two tensors of one memory.
        tensors[str(number)] = (
            tensor.detach().cpu().permute(order).clone(memory_format=torch.contiguous_format)
        )
        metadata[str(number)] = ",".join(map(str, order))
    try:
        save_file(tensors, path, metadata)
    except SafetensorError as error:
        raise OSError(str(error)) from error


def load_state(path: Path) -> tuple[Tensor, ...] | None:
    """What `save_state` wrote, for `Mode.restore`; None where the file is not one of those."""
    try:
        with safe_open(path, "pt") as file:
            metadata: dict[str, Any] = file.metadata() or {}
            count = int(metadata[COUNT])
            if not 0 <= count <= MOST:
                return None
            return tuple(_in_order(file.get_tensor(str(n)), metadata[str(n)]) for n in range(count))
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError):
        return None


def _in_order(tensor: Tensor, said: str) -> Tensor:
    order = [int(each) for each in said.split(",")] if said else []
    return tensor.permute([order.index(dim) for dim in range(tensor.dim())])
