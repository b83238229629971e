"""A frame between two keyframes, from both."""

from __future__ import annotations

import cv2
import numpy as np

from vst.keyframes.composed_flow import Reach
from vst.keyframes.fields import Array, sample

_LEAST = 1e-3
"""Weight of what is not trusted, beside 1: it counts only where nothing is."""

_HOLE_CORE = 3
_HOLE_EDGE = 9
"""Sides in pixels by which a region that is stylized anew is widened, and over which it is faded in."""


def composite(earlier: Array, later: Array, to_earlier: Reach, to_later: Reach, place: float) -> Array:
    """Mix two keyframes, each warped once.

    Args:
        earlier: The stylized keyframe before, H×W×3 float32.
        later: The stylized keyframe after.
        to_earlier: How the frame relates to the keyframe before.
        to_later: How it relates to the keyframe after.
        place: Of the frame between the keyframes, 0 to 1.

    Returns:
        H×W×3 float32.
    """
    share = place * place * (3 - 2 * place)
    before = (1 - share) * _weight(to_earlier)
    after = share * _weight(to_later)
    part = (after / (before + after))[..., None]
    a = sample(earlier, to_earlier.flow, cv2.INTER_CUBIC)
    b = sample(later, to_later.flow, cv2.INTER_CUBIC)
    return a + part * (b - a)


def _weight(reach: Reach) -> Array:
    # Where neither is trusted, the one that looks more like the frame counts.
    return reach.trust + _LEAST / (1 + reach.difference)


def untrusted(to_earlier: Reach, to_later: Reach) -> Array:
    """Where neither keyframe is trusted, H×W uint8."""
    return ((to_earlier.trust | to_later.trust) == 0).astype(np.uint8)


def fill(composed: Array, stylized: Array, hole: Array) -> Array:
    """Put a stylization of the frame itself where no keyframe is trusted.

    Args:
        composed: From `composite`.
        stylized: The frame stylized, H×W×3.
        hole: From `untrusted`.
    """
    # Single pixels are noise of the tests; what is left is covered whole and faded in around.
    core = cv2.morphologyEx(hole, cv2.MORPH_OPEN, np.ones((_HOLE_CORE, _HOLE_CORE), np.uint8))
    wide = cv2.dilate(core, np.ones((_HOLE_EDGE, _HOLE_EDGE), np.uint8))
    share = cv2.blur(wide.astype(np.float32), (_HOLE_EDGE, _HOLE_EDGE))[..., None]
    return composed + share * (stylized - composed)
