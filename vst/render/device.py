"""Which device paints, and in which precision."""

from __future__ import annotations

import torch

from vst.errors import UsageError, VstError

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str) -> torch.device:
    """`auto` is CUDA where there is a GPU, else the CPU.

    Raises:
        UsageError: for a name that is not auto, cpu, cuda or cuda:n.
        VstError: for a CUDA device that is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, colon, number = name.partition(":")
    if name != "cpu" and (kind != "cuda" or (colon and not number.isdecimal())):
        raise UsageError(f"device is {name!r}; expected auto, cpu, cuda or cuda:n")
    device = torch.device(name)
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise VstError(f"device {name} is not there ({count} CUDA devices found); use --device cpu")
    return device


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """`auto` is fp16 on CUDA, bf16 on a CPU that has it in hardware, else fp32.

    Raises:
        UsageError: for a precision that the device cannot do.
    """
    if name == "auto":
        if device.type == "cuda":
            return torch.float16
        return torch.bfloat16 if has_fast_bf16() else torch.float32
    if name == "fp16" and device.type == "cpu":
        raise UsageError("precision fp16 needs a CUDA device; use bf16 or fp32 on the CPU")
    return _TYPES[name]


def has_fast_bf16() -> bool:
    """Whether this CPU multiplies bf16 in hardware (AVX-512 BF16 or AMX)."""
    # Older releases of torch cannot tell; then fp32 is the safe answer.
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def precision_name(precision: torch.dtype) -> str:
    """fp32, bf16 or fp16."""
    return next(name for name, kind in _TYPES.items() if kind == precision)
