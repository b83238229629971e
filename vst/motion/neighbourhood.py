"""Means over the neighbourhood of each pixel."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def mean_around(field: Tensor, side: int) -> Tensor:
    """The mean over the square around each pixel; outside of the field its border is repeated.

    Args:
        field: 1×H×W.
        side: Of the square, in pixels; odd.

    Returns:
        1×H×W.
    """
    spread = F.pad(field[None], (side // 2,) * 4, mode="replicate")
    return F.avg_pool2d(spread, side, stride=1)[0]
