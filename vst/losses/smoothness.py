"""Losses of a picture's own pixels: total variation against grain, and edges that are to stay."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

_POOLED = 4


def total_variation(image: Tensor) -> Tensor:
    """Mean squared difference of neighbours, down and across (Mahendran & Vedaldi 2015, β = 2).

    Args:
        image: B×C×H×W.

    Returns:
        A scalar in fp32, ≥ 0.
    """
    image = image.float()
    down = (image[..., 1:, :] - image[..., :-1, :]) ** 2
    across = (image[..., :, 1:] - image[..., :, :-1]) ** 2
    return down.mean() + across.mean()


def laplacian_loss(output: Tensor, frame: Tensor) -> Tensor:
    """‖D(output) − D(frame)‖² / ‖D(frame)‖²: the frame's edges and fine structure (Li 2017, equation 4).

    D is the Laplacian, [0 −1 0; −1 4 −1; 0 −1 0] in each channel, of the picture averaged over 4×4 pixels.

    Args:
        output: B×3×H×W, both at least 12.
        frame: B×3×H×W.

    Returns:
        One value a picture, B, in fp32, ≥ 0; 1 for an output without edges.
    """
    found, wanted = (_laplacian(F.avg_pool2d(each.float(), _POOLED)) for each in (output, frame))
    return (found - wanted).square().mean((1, 2, 3)) / wanted.square().mean((1, 2, 3)).clamp_min(1e-8)


def _laplacian(image: Tensor) -> Tensor:
    centre = 4 * image[..., 1:-1, 1:-1]
    beside = image[..., 1:-1, :-2] + image[..., 1:-1, 2:]
    return centre - beside - image[..., :-2, 1:-1] - image[..., 2:, 1:-1]
