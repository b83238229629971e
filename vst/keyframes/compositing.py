"""A frame between two keyframes, from both."""

from __future__ import annotations

import cv2
import numpy as np

from vst.keyframes.carrying import carry
from vst.keyframes.composed_flow import Reach
from vst.motion.fields import Array

_DETAIL = 5
"""Side in pixels of the mean that detail is the difference from."""

_DETAIL_REGION = 5
"""Side of the neighbourhood over which detail is compared, in steps of four pixels."""

_LARGEST_GAIN = 1.6
_SMALLEST = 1e-6

_HOLE_CORE = 3
_HOLE_EDGE = 9
"""Sides in pixels by which a region that is stylized anew is widened, and over which it is faded in."""


def composite(earlier: Array, later: Array, to_earlier: Reach, to_later: Reach, part: Array) -> Array:
    """Mix two keyframes, each warped once.

    Args:
        earlier: The stylized keyframe before, from `enlarge`.
        later: The stylized keyframe after, likewise.
        to_earlier: How the frame relates to the keyframe before.
        to_later: How it relates to the keyframe after.
        part: Of the later keyframe, H×W, from `transition`.

    Returns:
        H×W×3 float32.
    """
    a, b = carry(earlier, to_earlier.flow), carry(later, to_later.flow)
    return _with_detail(a + part[..., None] * (b - a), a, b, part)


def _with_detail(mixed: Array, a: Array, b: Array, part: Array) -> Array:
    """Give a mixture the detail of what was mixed.

    Two textures that differ average out: halfway between two keyframes that were stylized independently
    the detail has half its energy. Where both agree it has all, and nothing is changed.

    Args:
        mixed: H×W×3, a + part · (b − a).
        a: H×W×3.
        b: H×W×3.
        part: H×W, 0..1.
    """
    coarse = cv2.blur(mixed, (_DETAIL, _DETAIL))
    energies = [_detail_energy(each) for each in (mixed, a, b)]
    wanted = energies[1] + cv2.resize(part, energies[1].shape[::-1]) * (energies[2] - energies[1])
    gain = np.sqrt(wanted / np.maximum(energies[0], _SMALLEST)).clip(1, _LARGEST_GAIN)
    height, width = part.shape
    gain = cv2.resize(gain, (width, height), interpolation=cv2.INTER_LINEAR)
    return coarse + gain[..., None] * (mixed - coarse)


def _detail_energy(image: Array) -> Array:
    """Mean square of what is finer than a few pixels, over neighbourhoods, at a quarter of the size."""
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    squares = cv2.pow(luma - cv2.blur(luma, (_DETAIL, _DETAIL)), 2)
    height, width = luma.shape
    small = cv2.resize(squares, (max(width // 4, 1), max(height // 4, 1)), interpolation=cv2.INTER_AREA)
    return cv2.blur(small, (_DETAIL_REGION, _DETAIL_REGION))


def not_shown(to_earlier: Reach, to_later: Reach) -> Array:
    """Where neither keyframe is usable, H×W uint8."""
    return ((to_earlier.usable | to_later.usable) == 0).astype(np.uint8)


def fill(composed: Array, stylized: Array, hole: Array) -> Array:
    """Put a stylization of the frame itself where no keyframe shows it.

    Args:
        composed: From `composite`.
        stylized: The frame stylized, H×W×3.
        hole: From `not_shown`.
    """
    # Single pixels are noise of the tests; what is left is covered whole and faded in around.
    core = cv2.morphologyEx(hole, cv2.MORPH_OPEN, np.ones((_HOLE_CORE, _HOLE_CORE), np.uint8))
    wide = cv2.dilate(core, np.ones((_HOLE_EDGE, _HOLE_EDGE), np.uint8))
    share = cv2.blur(wide.astype(np.float32), (_HOLE_EDGE, _HOLE_EDGE))[..., None]
    return composed + share * (stylized - composed)
