"""What the operations take, and where they run."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

TYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def sum_type(dtype: torch.dtype) -> torch.dtype:
    """The type in which sums are kept: float64 for float64, else float32."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def check_map(operation: str, name: str, tensor: Tensor) -> None:
    """Refuse what is no B×C×H×W tensor of a floating type with at least one channel.

    Raises:
        ValueError: With the shape or the type.
    """
    if tensor.dim() != 4 or tensor.shape[1] == 0:
        raise ValueError(
            f"{operation}: {name} has shape {tuple(tensor.shape)}; "
            "expected B×C×H×W with at least one channel"
        )
    if tensor.dtype not in TYPES:
        raise ValueError(
            f"{operation}: {name} is {type_name(tensor.dtype)}; "
            f"expected one of {', '.join(map(type_name, TYPES))}"
        )


def check_same_device(operation: str, a: Tensor, b: Tensor) -> None:
    """Refuse tensors on different devices.

    Raises:
        ValueError: With both devices.
    """
    if a.device != b.device:
        raise ValueError(
            f"{operation}: the tensors are on {a.device} and on {b.device}; move both to one device"
        )


def type_name(dtype: torch.dtype) -> str:
    """``float32``, without PyTorch's name before it."""
    return str(dtype).removeprefix("torch.")


def runs_compiled(tensor: Tensor) -> bool:
    """Whether the compiled kernels serve this tensor: it is on an NVIDIA GPU and not empty."""
    return tensor.is_cuda and torch.version.hip is None and tensor.numel() > 0


def full_precision(tensor: Tensor) -> AbstractContextManager[object]:
    """Keeps autocast from rounding what is computed in the type of sums."""
    kind = tensor.device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()
