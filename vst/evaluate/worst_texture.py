"""The frame of an output with the most soft and rough windows, for a report."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.evaluate.metrics.texture import HALF, TWICE, texture_ratio
from vst.evaluate.worst_frames import shrunk
from vst.motion.estimator import to_bytes


@dataclass(frozen=True, slots=True)
class WorstTexture:
    """One frame of an output beside the per-frame stylization.

    Attributes:
        index: Number of the frame, from 0.
        soft: Share of soft windows.
        rough: Share of rough windows.
        per_frame: 3×h×w, 8 bits, the per-frame stylization.
        output: 3×h×w, 8 bits.
        kinds: 1×h×w, 8 bits: 1 in soft windows, 2 in rough ones, else 0.
    """

    index: int
    soft: float
    rough: float
    per_frame: Tensor
    output: Tensor
    kinds: Tensor


def worse_texture(
    known: WorstTexture | None, index: int, shares: tuple[float, float], output: Tensor, per_frame: Tensor
) -> WorstTexture | None:
    """The worse of a frame that is known and another.

    Args:
        known: The worst so far; None if there is none.
        index: Number of the other frame.
        shares: Its soft and rough windows.
        output: 3×H×W, 0..1.
        per_frame: 3×H×W, 0..1.

    Returns:
        That with the larger sum; None if neither has any.
    """
    if sum(shares) <= (0.0 if known is None else known.soft + known.rough):
        return known
    ratio = texture_ratio(output, per_frame)
    kinds = (ratio < HALF).byte() + 2 * (ratio > TWICE).byte()
    small = to_bytes(shrunk(output))
    size = small.shape[-2:]
    enlarged = F.interpolate(kinds[None, None].float(), size=size, mode="nearest")[0]
    return WorstTexture(index, *shares, to_bytes(shrunk(per_frame)), small, enlarged.to(torch.uint8))
