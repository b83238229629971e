"""Checks of operands, and the choice between compiled kernels and PyTorch's operations."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

_TYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def sum_type(dtype: torch.dtype) -> torch.dtype:
    """The type of sums: float64 for float64, else float32."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def check_map(operation: str, name: str, tensor: Tensor) -> None:
    """Check that a tensor is B×C×H×W with at least one channel, of a floating type.

    Raises:
        ValueError: It is not; the message has the shape or type.
    """
    if tensor.dim() != 4 or tensor.shape[1] == 0:
        raise ValueError(
            f"{operation}: {name} has shape {tuple(tensor.shape)}; "
            "expected B×C×H×W with at least one channel"
        )
    if tensor.dtype not in _TYPES:
        raise ValueError(
            f"{operation}: {name} is {type_name(tensor.dtype)}; "
            f"expected one of {', '.join(map(type_name, _TYPES))}"
        )


def check_same_device(operation: str, a: Tensor, b: Tensor) -> None:
    """Check that two tensors are on the same device.

    Raises:
        ValueError: They are not; the message has both devices.
    """
    if a.device != b.device:
        raise ValueError(
            f"{operation}: the tensors are on {a.device} and on {b.device}; move both to one device"
        )


def type_name(dtype: torch.dtype) -> str:
    """The name of a type without the prefix ``torch.``."""
    return str(dtype).removeprefix("torch.")


def runs_compiled(tensor: Tensor) -> bool:
    """Whether compiled kernels are used for a tensor: it is on an NVIDIA GPU and not empty."""
    return tensor.is_cuda and torch.version.hip is None and tensor.numel() > 0


def full_precision(tensor: Tensor) -> AbstractContextManager[object]:
    """A context without autocast, which would round what is computed in the type of sums."""
    kind = tensor.device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()
