"""Masks in pieces no smaller than a stroke: what is kept of a painting, or painted anew, hangs together."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def majority(mask: Tensor, side: int) -> Tensor:
    """What more than half of the pixels around say, each pixel for itself.

    Args:
        mask: 1×H×W or B×1×H×W, 0 or 1. Beyond its border it goes on as it ends.
        side: Odd, of the square that has a say, in pixels.

    Returns:
        The same shape and type, 0 or 1.
    """
    return (_around(mask, side) > 0.5).to(mask.dtype)


def without_crumbs(mask: Tensor, side: int) -> Tensor:
    """The same mask without specks: what nine tenths of the pixels around disagree with follows them.

    Lines stay, even of one pixel: what something slow uncovers beside it is no wider.

    Args:
        mask: As for `majority`.
        side: Odd, of the square that has a say, in pixels; a speck has a tenth of its area at most.

    Returns:
        The same shape and type, 0 or 1.
    """
    around = _around(mask, side)
    return mask.masked_fill(around > 0.9, 1).masked_fill(around < 0.1, 0)


def _around(mask: Tensor, side: int) -> Tensor:
    """The mean over the square around each pixel, of the mask's shape."""
    planes = mask.reshape(-1, 1, *mask.shape[-2:]).float()
    padded = F.pad(planes, (side // 2,) * 4, mode="replicate")
    return F.avg_pool2d(padded, side, stride=1).view_as(mask)
