"""Adjacent frames compared as they are, without motion compensation (thesis, figures 6.51 and 6.52)."""

from __future__ import annotations

import cv2
import numpy as np
from torch import Tensor

from vst.evaluate.images import check_same_shape, luma
from vst.evaluate.metrics.metric import Metric, Sample

SSIM_WINDOW = 11
"""Side of SSIM's window in pixels; images must not be smaller."""

_DEVIATION = 1.5


def mean_squared_error(a: Tensor, b: Tensor) -> float:
    """(1/D) Σ (a − b)² with D = 3·H·W.

    Args:
        a: 3×H×W, 0..1.
        b: The same.

    Raises:
        ValueError: The shapes differ.
    """
    check_same_shape(a, b)
    return float((a.double() - b.double()).square().mean())


def structural_similarity(a: Tensor, b: Tensor) -> float:
    """Mean SSIM of two images' luma (Wang et al. 2004): 1 for equal images, less for others.

    SSIM = (2 μ_a μ_b + C1)(2 σ_ab + C2) / ((μ_a² + μ_b² + C1)(σ_a² + σ_b² + C2)) with a Gaussian window of
    11×11 and σ = 1.5, C1 = 0.01², C2 = 0.03², over the windows that fit in the image.

    Args:
        a: 3×H×W, 0..1.
        b: The same.

    Raises:
        ValueError: The shapes differ, or no window of 11×11 fits.
    """
    check_same_shape(a, b)
    if min(a.shape[-2:]) < SSIM_WINDOW:
        raise ValueError(
            f"SSIM of images of shape {tuple(a.shape)}; expected {SSIM_WINDOW}×{SSIM_WINDOW} pixels or more"
        )
    # Float64: variances are differences of nearly equal numbers.
    x, y = (luma(each).double().cpu().numpy() for each in (a, b))
    mx, my, xx, yy, xy = (_blur(each) for each in (x, y, x * x, y * y, x * y))
    vx, vy, cov = xx - mx * mx, yy - my * my, xy - mx * my
    c1, c2 = 0.01**2, 0.03**2
    ssim = (2 * mx * my + c1) * (2 * cov + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    return float(ssim.mean())


def _blur(plane: np.ndarray) -> np.ndarray:
    """H×W filtered by SSIM's window; only where the window fits."""
    around = SSIM_WINDOW // 2
    blurred: np.ndarray = cv2.GaussianBlur(plane, (SSIM_WINDOW, SSIM_WINDOW), _DEVIATION)
    return blurred[around:-around, around:-around]


def _mse(sample: Sample) -> float | None:
    return None if sample.previous is None else mean_squared_error(sample.previous, sample.output)


def _ssim(sample: Sample) -> float | None:
    if sample.previous is None or min(sample.output.shape[-2:]) < SSIM_WINDOW:
        return None
    return structural_similarity(sample.previous, sample.output)


METRICS = (
    Metric(
        name="mse",
        title="Mean squared error of adjacent frames",
        definition="mean squared difference of adjacent frames, without motion compensation",
        unit="(0..1)²",
        better="near the input's",
        section="adjacent",
        measure=_mse,
    ),
    Metric(
        name="ssim",
        title="Structural similarity of adjacent frames",
        definition="mean SSIM of the luma of adjacent frames, without motion compensation; 1 if equal",
        unit="",
        better="near the input's",
        section="adjacent",
        measure=_ssim,
    ),
)
