"""Snapshots of a session as safetensors files: exact, and nothing in them is ever executed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vst.files import utf8_path

_COUNT = "tensors"
_MAX_TENSORS = 4096
"""The most tensors of a snapshot."""


def save_snapshot(path: Path, state: tuple[Tensor, ...]) -> None:
    """Write a snapshot of `StylizerSession`: values and memory layout.

    The memory layout (channels last or first) decides which convolution kernels are chosen.

    Raises:
        OSError: If it cannot be written.
    """
    tensors, metadata = {}, {_COUNT: str(len(state))}
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


def load_snapshot(path: Path) -> tuple[Tensor, ...] | None:
    """What `save_snapshot` wrote, for `StylizerSession.restore`; None if the file is not a valid
    snapshot."""
    try:
        with utf8_path(path) as readable, safe_open(readable, "pt") as file:
            metadata: dict[str, Any] = file.metadata() or {}
            count = int(metadata[_COUNT])
            if not 0 <= count <= _MAX_TENSORS:
                return None
            return tuple(_in_order(file.get_tensor(str(n)), metadata[str(n)]) for n in range(count))
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError):
        return None


def _in_order(tensor: Tensor, written: str) -> Tensor:
    order = [int(each) for each in written.split(",")] if written else []
    return tensor.permute([order.index(dim) for dim in range(tensor.dim())])
