"""Which parts of a warped stylization have been resampled too often and are to be stylized afresh.

Each resampling costs detail, so under a long pan a stylization becomes soft, frame by frame. What stands
still is not resampled and never ages. Mixing a little of a fresh stylization in everywhere would be worse:
two stylizations that differ in their texture average to none. So each square is refreshed as a whole,
within a few frames, and neighbouring squares at different times:
docs/adr/0009-what-is-kept-is-warped-by-lanczos.md.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.motion.neighbourhood import mean_around
from vst.motion.warping import warp

MAX_AGE = 16.0
"""Mean resampling age, in resamplings by half a pixel, at which a square is refreshed."""

STRETCH_AGE = 12.0
"""Resamplings that count for flow which differs by a pixel from pixel to pixel."""

_MAX_STRETCH_AGE = 2.0
"""At most so many a frame: outlines must not be refreshed at every frame."""

FADE = 3
"""Frames over which a square is refreshed: one step in three parts has a third of its squared error."""

_CELL = 20
"""Side in pixels of what is refreshed at once: a few strokes."""


def refresh_share(flow: Tensor, mask: Tensor, earlier: Tensor | None) -> tuple[Tensor, Tensor]:
    """The resampling age of a warped stylization, and the share of it to be stylized afresh.

    A resampling by f pixels counts |sin πf| along each axis, one at most: nothing for whole pixels, which
    change nothing, and most for half pixels. Flow that stretches or tears adds to it.

    Args:
        flow: 2×H×W, pixels, to the previous frame.
        mask: 1×H×W, 1 where the previous frame is trusted.
        earlier: 1×H×W, the age that this function returned for the previous frame; None: that was fresh.

    Returns:
        (age, share), 1×H×W each. The age is 0 where the stylization is fresh, and −k in squares whose
        refresh began k frames ago. The share is 0 in general; over the last `FADE` frames of a square it is
        a third, half of the rest, and all.
    """
    height, width = flow.shape[-2:]
    once = torch.sin(torch.pi * flow).abs().sum(0, keepdim=True).clamp(max=1) + _stretch(flow)
    if earlier is None:
        earlier = torch.zeros_like(once)
    total = (once + warp(earlier, flow, mode="nearest").clamp(min=0)) * (mask > 0.5)
    # Squares are fixed in the frame: a refresh that has begun does not move with the flow.
    stage = earlier[:, ::_CELL, ::_CELL].clamp(max=0)
    thresholds = _thresholds(*squares(height, width), flow.device)
    due = F.avg_pool2d(total, _CELL, ceil_mode=True) > MAX_AGE * thresholds
    stage = torch.where(due | (stage < 0), stage - 1, 0.0)
    share = torch.where(stage < 0, 1 / (FADE + 1 + stage), 0.0)
    # A square that was refreshed wholly is fresh, and ages from here.
    after = torch.where(stage <= -FADE, 0.0, stage)
    share, after = (in_squares(each[None], height, width)[0] for each in (share, after))
    return torch.where(share > 0, after, total), share


def _stretch(flow: Tensor) -> Tensor:
    """2×H×W to 1×H×W: age by the difference of neighbouring vectors, |∂u| + |∂v|, mean over 5×5 pixels."""
    along = F.pad(flow.diff(dim=-1), (0, 1)).abs() + F.pad(flow.diff(dim=-2), (0, 0, 0, 1)).abs()
    return (STRETCH_AGE * mean_around(along.sum(0, keepdim=True), 5)).clamp(max=_MAX_STRETCH_AGE)


@lru_cache(maxsize=4)
@torch.inference_mode(False)
def _thresholds(rows: int, columns: int, device: torch.device) -> Tensor:
    """1×rows×columns, 0.5 to 1.5, constant over time, so that squares are not all refreshed at once."""
    random = torch.Generator().manual_seed(0)
    return (0.5 + torch.rand(1, rows, columns, generator=random)).to(device)


def squares(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of squares; the last ones may reach beyond the frame."""
    return -(-height // _CELL), -(-width // _CELL)


def in_squares(values: Tensor, height: int, width: int) -> Tensor:
    """A value for each of `squares`, B×C×rows×columns, as B×C×H×W."""
    return F.interpolate(values, scale_factor=_CELL, mode="nearest")[..., :height, :width]
