"""The arithmetic that networks are trained with."""

from __future__ import annotations

import torch

from vst.errors import UsageError

LOSS_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float32, "fp32": torch.float32}
"""What the loss network computes in, by the recipe's precision: sums of its features leave fp16's range."""


def check_training_precision(precision: str, device: str) -> None:
    """Refuse an arithmetic that the device is not trained with.

    Raises:
        UsageError: for fp16 on a CPU.
    """
    if precision == "fp16" and not device.startswith("cuda"):
        raise UsageError("fp16 is trained with on CUDA only; give bf16 or fp32")
