"""Masks in pieces no smaller than a stroke: what is kept of a painting, or painted anew, hangs together."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def majority(mask: Tensor, side: int) -> Tensor:
    """What more than half of the pixels around say, each pixel for itself.

    Single pixels and thin lines go, of either kind, and the outline of what is larger stays within half of
    the side of where it was. Beyond its border the mask goes on as it ends.

    Args:
        mask: 1×H×W or B×1×H×W, 0 or 1.
        side: Odd, of the square that has a say, in pixels.

    Returns:
        The same shape and type, 0 or 1.
    """
    height, width = mask.shape[-2:]
    planes = mask.reshape(-1, 1, height, width).float()
    around = F.avg_pool2d(F.pad(planes, (side // 2,) * 4, mode="replicate"), side, stride=1)
    return (around > 0.5).to(mask.dtype).view_as(mask)
