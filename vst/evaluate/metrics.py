"""What can be measured of stylised frames: one number a frame or a pair of frames.

Pictures are 3×H×W, RGB, 0..1. With O_t the painting of frame t, W_t the bicubic backward warp into frame t
by ``flow``, m the mask and D = 3·H·W.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.motion.warping import warp

LUMA = (0.2126, 0.7152, 0.0722)
"""Weights of R, G and B in Y (BT.709)."""

SSIM_WINDOW = 11
"""Side of the window of SSIM: no picture may be smaller."""


def temporal_error(previous: Tensor, current: Tensor, flow: Tensor, mask: Tensor) -> float:
    """(1/D) Σ m (O_t − W_t(O_{t−1}))²: one term of E, whose root over a clip is e_stab.

    Ruder et al. 2016, equation 7; Gao et al. 2018 (ReCoNet) for e_stab.

    Args:
        previous: O_{t−1}, 3×H×W.
        current: O_t, 3×H×W.
        flow: 2×H×W, pixels, backward: pixel p of t was at p + flow(p) in t−1.
        mask: 1×H×W, 1 where the earlier frame can be trusted.
    """
    return temporal_errors(previous, current, flow, mask)[0]


def warping_error(previous: Tensor, current: Tensor, flow: Tensor, mask: Tensor) -> float:
    """Σ m (O_t − W_t(O_{t−1}))² / (3 Σ m): the same by trusted pixel (Lai et al. 2018, E_warp).

    Arguments as of ``temporal_error``; not a number where nothing can be trusted.
    """
    return temporal_errors(previous, current, flow, mask)[1]


def temporal_errors(previous: Tensor, current: Tensor, flow: Tensor, mask: Tensor) -> tuple[float, float]:
    """``temporal_error`` and ``warping_error`` by one warp."""
    _check_alike(previous, current)
    squares = (mask.float() * (current.float() - warp(previous.float(), flow)).square()).double().sum()
    trusted = float(mask.double().sum()) * current.shape[0]
    total = float(squares)
    return total / current.numel(), total / trusted if trusted > 0 else float("nan")


def gradient_energy(image: Tensor) -> float:
    """Mean of |∇Y|², differences between neighbours: how much detail there is. Blur lowers it.

    Y = 0.2126 R + 0.7152 G + 0.0722 B. ∇Y(p) = (Y(p + (1, 0)) − Y(p), Y(p + (0, 1)) − Y(p)); the mean is
    over all such differences along x plus that along y.
    """
    y = luma(image)
    return float(y.diff(dim=1).double().square().mean() + y.diff(dim=0).double().square().mean())


def mean_squared_error(a: Tensor, b: Tensor) -> float:
    """(1/D) Σ (a − b)²: between adjacent frames, unwarped, the thesis' curve 6.51."""
    _check_alike(a, b)
    return float((a.double() - b.double()).square().mean())


def structural_similarity(a: Tensor, b: Tensor) -> float:
    """Mean SSIM of two pictures' luma (Wang et al. 2004): 1 for the same, less for others.

    SSIM = (2 μ_a μ_b + C1)(2 σ_ab + C2) / ((μ_a² + μ_b² + C1)(σ_a² + σ_b² + C2)) with a Gaussian window of
    11×11 and σ = 1.5, C1 = 0.01², C2 = 0.03², over the windows that fit in the picture.

    Raises:
        ValueError: The shapes differ, or no window of 11×11 fits.
    """
    _check_alike(a, b)
    if min(a.shape[-2:]) < SSIM_WINDOW:
        raise ValueError(
            f"SSIM of pictures of shape {tuple(a.shape)}; "
            f"expected {SSIM_WINDOW}×{SSIM_WINDOW} pixels or more"
        )
    # Float64: variances are differences of nearly equal numbers.
    x, y = luma(a).double(), luma(b).double()
    means = _blur(torch.stack((x, y, x * x, y * y, x * y)))
    mx, my = means[0], means[1]
    vx, vy, cov = means[2] - mx * mx, means[3] - my * my, means[4] - mx * my
    c1, c2 = 0.01**2, 0.03**2
    ssim = (2 * mx * my + c1) * (2 * cov + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    return float(ssim.mean())


def in_8_bits(image: Tensor) -> Tensor:
    """What a viewer gets of a picture of 0..1: cut to that range, in steps of 1/255."""
    return (image.clamp(0, 1) * 255).round() / 255


def luma(image: Tensor) -> Tensor:
    """Y of a picture: 3×H×W to H×W."""
    weights = torch.tensor(LUMA, dtype=torch.float32, device=image.device)
    return torch.einsum("c,chw->hw", weights, image.float())


def _blur(planes: Tensor) -> Tensor:
    """N×H×W by the window of SSIM, one axis after the other; only where it fits."""
    offsets = torch.arange(SSIM_WINDOW, dtype=planes.dtype, device=planes.device) - SSIM_WINDOW // 2
    kernel = torch.exp(-offsets.square() / (2 * 1.5**2))
    kernel = kernel / kernel.sum()
    out = F.conv2d(planes[:, None], kernel.view(1, 1, -1, 1))
    return F.conv2d(out, kernel.view(1, 1, 1, -1))[:, 0]


def _check_alike(a: Tensor, b: Tensor) -> None:
    if a.dim() != 3 or a.shape != b.shape:
        raise ValueError(
            f"cannot compare pictures of shape {tuple(a.shape)} and {tuple(b.shape)}; "
            "expected 3×H×W of one size"
        )
