"""Losses of pixels: total variation against grain, edges that are to stay, and how much detail there is."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.losses.temporal import luminance

_POOLED = 4

_DETAIL, _WINDOW = 5, 32
"""Sides in pixels: of the mean that detail is the difference from, and of the windows in which it is
compared, which overlap by half."""

_TOO_FEW = 1.7
"""Weight of windows with less detail, beside those with more."""

_FLAT = 0.15
"""Windows with less than this share of the mean energy are compared loosely."""


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


def detail_loss(output: Tensor, other: Tensor) -> Tensor:
    """Mean squared logarithm of the ratio of detail energies, by windows: too many strokes, or too few.

    Detail energy is the mean of (Y − its 5×5 mean)², as in the metrics *soft* and *rough*. Too few count
    more: what is lost once does not come back in the keyframes that follow.

    Args:
        output: B×3×H×W, RGB, both at least 32.
        other: B×3×H×W.

    Returns:
        A scalar in fp32, ≥ 0; about .4 where `output` has twice the energy of `other` everywhere.
    """
    found, wanted = _window_energy(output), _window_energy(other)
    floor = _FLAT * wanted.mean((1, 2, 3), keepdim=True) + 1e-8
    ratio = ((found + floor) / (wanted + floor)).log()
    return (torch.where(ratio < 0, _TOO_FEW, 1.0) * ratio.square()).mean()


def _window_energy(image: Tensor) -> Tensor:
    luma = luminance(image)
    mean = F.avg_pool2d(luma, _DETAIL, stride=1, padding=_DETAIL // 2, count_include_pad=False)
    return F.avg_pool2d((luma - mean).square(), _WINDOW, _WINDOW // 2)


def _laplacian(image: Tensor) -> Tensor:
    centre = 4 * image[..., 1:-1, 1:-1]
    beside = image[..., 1:-1, :-2] + image[..., 1:-1, 2:]
    return centre - beside - image[..., :-2, 1:-1] - image[..., 2:, 1:-1]
