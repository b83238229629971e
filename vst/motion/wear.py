"""How worn paint is that motion has carried, and where it is to be painted anew.

Every resampling costs a painting some of its detail, so what a pan carries for long goes soft, frame by
frame. What stands still is not resampled and never wears. Mixing a little new paint in everywhere would be
worse: two paintings that differ in their texture average to none. So each place is renewed whole, once it
is worn, and neighbours at different times: docs/adr/0009-what-is-kept-is-warped-by-lanczos.md.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.motion.warp import warp

WORN = 10.0
"""Resamplings by half a pixel, on average, that paint is carried through."""

_CELL = 20
"""Side of what is renewed at once, in pixels: some strokes."""


def wear(flow: Tensor, mask: Tensor, earlier: Tensor | None) -> tuple[Tensor, Tensor]:
    """The wear of the paint that is brought to a frame, and where it is too much.

    A resampling by f pixels counts sin² πf along each axis, and one at most: nothing for whole pixels,
    where it changes nothing, and most for halves.

    Args:
        flow: 2×H×W, pixels, to the frame before.
        mask: 1×H×W, 1 where that frame's paint can be trusted.
        earlier: 1×H×W, the wear there was at that frame; None: none.

    Returns:
        Wear, 1×H×W, 0 where the paint is new; and 1×H×W, 1 where it is to be painted anew, 0 elsewhere.
    """
    once = torch.sin(torch.pi * flow).square().sum(0, keepdim=True).clamp(max=1)
    total = once if earlier is None else once + warp(earlier, flow, mode="nearest")
    total = total * (mask > 0.5)
    height, width = flow.shape[-2:]
    fresh = (total > WORN * _patience(height, width, flow.device)).to(total.dtype)
    return total * (1 - fresh), fresh


@lru_cache(maxsize=4)
@torch.inference_mode(False)
def _patience(height: int, width: int, device: torch.device) -> Tensor:
    """1×H×W, 0.5 to 1.5, in squares: the same at every frame, so that they do not all wear out at once."""
    random = torch.Generator().manual_seed(0)
    patience = 0.5 + torch.rand(1, 1, *squares(height, width), generator=random)
    return in_squares(patience, height, width)[0].to(device)


def squares(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of what is renewed at once; the last ones may reach out of the frame."""
    return -(-height // _CELL), -(-width // _CELL)


def in_squares(values: Tensor, height: int, width: int) -> Tensor:
    """A value for each of `squares`, B×C×rows×columns, as B×C×H×W."""
    return F.interpolate(values, scale_factor=_CELL, mode="nearest")[..., :height, :width]
