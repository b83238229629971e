"""Which device networks run on, and in which precision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch

from vst.errors import UsageError, VstError

PRECISIONS = ("auto", "fp32", "bf16", "fp16")

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str) -> torch.device:
    """`auto` is CUDA where there is a GPU, else the CPU.

    `mps`, the GPU of Apple's machines, is untested, and never chosen by itself. Only networks run there:
    OpenCV has the frames between keyframes on the CPU, as without a GPU.

    Raises:
        UsageError: for a name that is not auto, cpu, cuda, cuda:n or mps.
        VstError: for a device that is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise VstError("device mps is not there (it is Apple's); use --device cpu")
        return torch.device("mps")
    if not re.fullmatch(r"cuda(:[0-9]+)?", name):
        raise UsageError(f"device is {name!r}; expected auto, cpu, cuda, cuda:n or mps")
    # The number is compared before torch sees it: torch keeps its last eight bits only.
    _, colon, digits = name.partition(":")
    number = int(digits or 0)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if number >= count:
        raise VstError(f"device {name} is not there ({count} CUDA devices found); use --device cpu")
    return torch.device("cuda", number) if colon else torch.device("cuda")


def check_precision(name: str) -> None:
    """Refuse a precision that does not exist.

    Raises:
        UsageError: for a name that is not auto, fp32, bf16 or fp16.
    """
    if name not in PRECISIONS:
        raise UsageError(f"precision is {name!r}; expected one of {', '.join(PRECISIONS)}")


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """`auto` is fp16 on CUDA, bf16 on a CPU that has it in hardware, else fp32, also on mps.

    Raises:
        UsageError: for a precision that the device cannot do, or that there is not.
    """
    check_precision(name)
    if name == "auto":
        if device.type == "cuda":
            return torch.float16
        return torch.bfloat16 if device.type == "cpu" and has_fast_bf16() else torch.float32
    if name == "fp16" and device.type == "cpu":
        raise UsageError("precision fp16 needs a CUDA device; use bf16 or fp32 on the CPU")
    return _TYPES[name]


def has_fast_bf16() -> bool:
    """Whether this CPU multiplies bf16 in hardware (AVX-512 BF16 or AMX)."""
    # Older releases of torch cannot tell; then fp32 is the safe answer.
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def training_precision(device: torch.device) -> str:
    """bf16 where the device has it in hardware, else fp16 on CUDA and fp32 on a CPU."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if has_fast_bf16() else "fp32"


def precision_name(precision: torch.dtype) -> str:
    """fp32, bf16 or fp16."""
    return next(name for name, kind in _TYPES.items() if kind == precision)


_cudnn_lock = Lock()
_cudnn_before: list[bool] = []
"""The setting of cuDNN before each context that is open; the first entry is the user's own."""


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """On CUDA, restrict cuDNN to deterministic algorithms until the context ends.

    Otherwise transposed convolutions add in the order in which threads arrive. The setting belongs to the
    whole
    process: it is restored when the last context ends, in whichever thread.
    """
    if device.type != "cuda":
        yield
        return
    with _cudnn_lock:
        _cudnn_before.append(torch.backends.cudnn.deterministic)
        torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        with _cudnn_lock:
            if len(_cudnn_before) == 1:
                torch.backends.cudnn.deterministic = _cudnn_before[0]
            _cudnn_before.pop()
