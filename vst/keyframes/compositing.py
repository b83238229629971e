"""A frame between two keyframes, from both."""

from __future__ import annotations

from vst.keyframes.composed_flow import Reach
from vst.keyframes.operations import Field, operations
from vst.keyframes.propagation import propagate

_DETAIL = 5
"""Side in pixels of the mean that detail is the difference from."""

_DETAIL_REGION = 5
"""Side of the neighbourhood over which detail is compared, in steps of four pixels."""

_LARGEST_GAIN = 1.6
_SMALLEST = 1e-6

_HOLE_CORE = 3
_HOLE_EDGE = 9
"""Sides in pixels by which a region that is stylized anew is widened, and over which it is faded in."""


def composite(earlier: Field, later: Field, to_earlier: Reach, to_later: Reach, part: Field) -> Field:
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
    a, b = propagate(earlier, to_earlier.flow), propagate(later, to_later.flow)
    return _with_detail(a + operations(a).times(b - a, part), a, b, part)


def _with_detail(mixed: Field, a: Field, b: Field, part: Field) -> Field:
    """Give a mixture the detail of what was mixed.

    Two textures that differ average out: halfway between two keyframes that were stylized independently
    the detail has half its energy. Where both agree it has all, and nothing is changed.

    Args:
        mixed: H×W×3, a + part · (b − a).
        a: H×W×3.
        b: H×W×3.
        part: H×W, 0..1.
    """
    on = operations(mixed)
    coarse = on.mean_around(mixed, _DETAIL)
    energies = [_detail_energy(each) for each in (mixed, a, b)]
    wanted = energies[1] + on.resized(part, *energies[1].shape) * (energies[2] - energies[1])
    gain = on.root(wanted / energies[0].clip(_SMALLEST)).clip(1, _LARGEST_GAIN)
    gain = on.resized(gain, *part.shape)
    return coarse + on.times(mixed - coarse, gain)


def _detail_energy(image: Field) -> Field:
    """Mean square of what is finer than a few pixels, over neighbourhoods, at a quarter of the size."""
    on = operations(image)
    luma = on.gray(image)
    fine = luma - on.mean_around(luma, _DETAIL)
    return on.mean_around(on.quartered(fine * fine), _DETAIL_REGION)


def not_shown(to_earlier: Reach, to_later: Reach) -> Field:
    """Where neither keyframe is usable, H×W uint8."""
    return 1 - (to_earlier.usable | to_later.usable)


def fill(composed: Field, stylized: Field, hole: Field) -> Field:
    """Put a stylization of the frame itself where no keyframe shows it.

    Args:
        composed: From `composite`.
        stylized: The frame stylized, H×W×3.
        hole: From `not_shown`.
    """
    # Single pixels are noise of the tests; what is left is covered whole and faded in around.
    on = operations(hole)
    wide = on.widened(on.opened(hole, _HOLE_CORE), _HOLE_EDGE)
    share = on.mean_around(on.floats(wide), _HOLE_EDGE)
    return composed + on.times(stylized - composed, share)
