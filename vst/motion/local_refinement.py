"""Optical flow to a fraction of a pixel: Lucas and Kanade's step (1981), dense and robust.

A patch matcher leaves errors of a quarter of a pixel that differ from patch to patch, and what is
propagated along such flow trembles. Each step linearizes the difference between a frame and the other one,
warped, and solves for the one vector of each window that removes most of it. Pixels that differ by much
count for little: they are hidden in the other frame, or move with something else. Where a window has
nothing to follow, the flow stays as it is.
"""

from __future__ import annotations

import cv2
import numpy as np

from vst.motion.fields import Array, sample

_WINDOW = 5
"""Side of the windows, at half the size: the vectors of neighbouring pixels are alike."""

_OUTLIER = 6.0
"""Difference in luma, of 255, at which a pixel counts half."""

_STIFFNESS = 30.0
"""Added to the mean squared slopes of a window: where these are smaller, flow stays nearly as it is."""

_LARGEST_STEP = 1.0
"""Pixels, along each axis."""


def refine_locally(flow: Array, a: Array, b: Array, steps: int) -> Array:
    """Refine flow that is right within a pixel or two.

    Args:
        flow: H×W×2 float32, pixels, x then y, with a(p) ≈ b(p + flow(p)).
        a: H×W uint8, luma.
        b: H×W uint8, luma of the other frame.
        steps: How often.

    Returns:
        H×W×2 float32.
    """
    # Scharr's kernel sums to 32.
    slope_x, slope_y = (cv2.Scharr(a, cv2.CV_32F, dx, dy, scale=1 / 32) for dx, dy in ((1, 0), (0, 1)))
    for _ in range(steps):
        flow = flow + _step(slope_x, slope_y, cv2.subtract(sample(b, flow), a, dtype=cv2.CV_32F))
    return flow


def _step(slope_x: Array, slope_y: Array, difference: Array) -> Array:
    """What to add to the flow, H×W×2, from a frame's slopes and what the other one, warped, is above it."""
    weight = 1 / (1 + np.square(difference * np.float32(1 / _OUTLIER)))
    weighted_x, weighted_y = weight * slope_x, weight * slope_y
    products = (
        weighted_x * slope_x,
        weighted_x * slope_y,
        weighted_y * slope_y,
        weighted_x * difference,
        weighted_y * difference,
    )
    xx, xy, yy, x, y = (_window_mean(each) for each in products)
    xx, yy = xx + np.float32(_STIFFNESS), yy + np.float32(_STIFFNESS)
    determinant = xx * yy - xy * xy
    step = cv2.merge([(xy * y - yy * x) / determinant, (xy * x - xx * y) / determinant])
    height, width = difference.shape
    return cv2.resize(step.clip(-_LARGEST_STEP, _LARGEST_STEP), (width, height))


def _window_mean(field: Array) -> Array:
    """The mean over windows, at half the size."""
    height, width = field.shape
    half = cv2.resize(field, (max(width // 2, 1), max(height // 2, 1)), interpolation=cv2.INTER_AREA)
    return cv2.blur(half, (_WINDOW, _WINDOW))
