"""Flow in the opposite direction, without a search."""

from __future__ import annotations

import numpy as np

from vst.motion.fields import Array, sample

_STEPS = 2
_TOLERANCE = 1.0
"""Pixels by which the last step may change a vector that is certain."""


def inverse(flow: Array) -> tuple[Array, float]:
    """Turn flow from b to a round, to flow from a to b.

    b(p) = −f(p + b(p)) is solved by fixed-point iteration from −f(p). Where something is hidden in b there
    is no solution; the result is the motion of what hides it, or of what is beside that.

    Args:
        flow: H×W×2 float32, pixels, on b's grid.

    Returns:
        Flow on a's grid, H×W×2, and the share of pixels at which it did not converge, 0..1.
    """
    there = last = -flow
    for _ in range(_STEPS):
        last, there = there, -sample(flow, there)
    moved = np.abs(there - last) > _TOLERANCE
    return there, float((moved[..., 0] | moved[..., 1]).mean())
