"""How worn paint is that motion has carried, and where it is to be painted anew.

Every resampling costs a painting some of its detail, so what a pan carries for long goes soft, frame by
frame. What stands still is not resampled and never wears. Mixing a little new paint in everywhere would be
worse: two paintings that differ in their texture average to none. So each place is renewed whole, once it
is worn, in a few frames, and neighbours at different times:
docs/adr/0009-what-is-kept-is-warped-by-lanczos.md.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.motion.neighbourhood import mean_around
from vst.motion.warping import warp

WORN = 16.0
"""Resamplings by half a pixel, on average, that paint is carried through."""

TORN = 12.0
"""Resamplings that flow counts for which differs by a pixel from pixel to pixel."""

_MOST_TORN = 2.0
"""Resamplings a frame that it counts at most: no outline is to be painted anew every frame."""

FADE = 3
"""Frames over which worn paint gives way to new: the same step in thirds has a third of its square."""

_CELL = 20
"""Side of what is renewed at once, in pixels: some strokes."""


def wear(flow: Tensor, mask: Tensor, earlier: Tensor | None) -> tuple[Tensor, Tensor]:
    """The wear of the paint that is brought to a frame, and how much of it is to be painted anew.

    A resampling by f pixels counts |sin πf| along each axis, and one at most: nothing for whole pixels,
    where it changes nothing, and most for halves. Flow that stretches or tears paint wears it too.

    Args:
        flow: 2×H×W, pixels, to the frame before.
        mask: 1×H×W, 1 where that frame's paint can be trusted.
        earlier: 1×H×W, what this gave for that frame; None: all was new.

    Returns:
        Wear, 1×H×W, 0 where the paint is new, and −k in squares that have been giving way for k frames; and
        the share that is to be new, 1×H×W: 0 as a rule, and over the last `FADE` frames of a square a
        third, half of what is left, and all.
    """
    height, width = flow.shape[-2:]
    once = torch.sin(torch.pi * flow).abs().sum(0, keepdim=True).clamp(max=1) + _tearing(flow)
    if earlier is None:
        earlier = torch.zeros_like(once)
    total = (once + warp(earlier, flow, mode="nearest").clamp(min=0)) * (mask > 0.5)
    # Squares lie where they are: what gives way does not move on with the paint.
    stage = earlier[:, ::_CELL, ::_CELL].clamp(max=0)
    patience = _patience(*squares(height, width), flow.device)
    due = F.avg_pool2d(total, _CELL, ceil_mode=True) > WORN * patience
    stage = torch.where(due | (stage < 0), stage - 1, 0.0)
    share = torch.where(stage < 0, 1 / (FADE + 1 + stage), 0.0)
    # What has given way wholly is new, and wears from there.
    after = torch.where(stage <= -FADE, 0.0, stage)
    share, after = (in_squares(each[None], height, width)[0] for each in (share, after))
    return torch.where(share > 0, after, total), share


def _tearing(flow: Tensor) -> Tensor:
    """2×H×W to 1×H×W: wear by what neighbouring vectors differ, |∂u| + |∂v|, mean over 5×5 pixels."""
    along = F.pad(flow.diff(dim=-1), (0, 1)).abs() + F.pad(flow.diff(dim=-2), (0, 0, 0, 1)).abs()
    return (TORN * mean_around(along.sum(0, keepdim=True), 5)).clamp(max=_MOST_TORN)


@lru_cache(maxsize=4)
@torch.inference_mode(False)
def _patience(rows: int, columns: int, device: torch.device) -> Tensor:
    """1×rows×columns, 0.5 to 1.5: the same at every frame, so that squares do not all wear out at once."""
    random = torch.Generator().manual_seed(0)
    return (0.5 + torch.rand(1, rows, columns, generator=random)).to(device)


def squares(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of what is renewed at once; the last ones may reach out of the frame."""
    return -(-height // _CELL), -(-width // _CELL)


def in_squares(values: Tensor, height: int, width: int) -> Tensor:
    """A value for each of `squares`, B×C×rows×columns, as B×C×H×W."""
    return F.interpolate(values, scale_factor=_CELL, mode="nearest")[..., :height, :width]
