"""The light of the clip in the stylized frame: a fade to black ends black.

Instance norm brings every frame to the same contrast, so a network's output is as bright for a dark frame
as for a bright one, and grey for a black one. What it took away is a single number, the frame's mean, and
that is given back here. The gain depends on the frame alone: it has no state, so keyframes, segments and
random access see the same, and it is no less steady than the clip's own light. docs/adr/0018-light.md.
"""

from __future__ import annotations

from torch import Tensor

from vst.postprocess.colour import luminance_within

DARK = 0.2
"""Mean luma, 0..1, below which the stylized frame is as much darker as the frame is."""

BRIGHT = 0.12
"""Distance of the mean luma from white below which the stylized frame is as much brighter."""

_NOTHING = 1e-3
"""A gain this close to 1 is left out: most frames are as the network gave them."""

_MOST = 4.0
"""The largest gain of a picture that is darker than its frame."""

_SHARPNESS = 12
"""Of the bend at a threshold. It has to be sharp: 3 % less light is a fifth more style loss."""


def follow_light(stylized: Tensor, frame: Tensor) -> Tensor:
    """Darken the stylization of a dark frame, and brighten that of one that is nearly white.

    Args:
        stylized: 3×H×W, RGB, 0..1.
        frame: 3×h×w, RGB, the frame that was stylized; counted as within 0..1.

    Returns:
        3×H×W: 0 for a black frame, 1 for a white one, and within 1 % of `stylized` where the frame's mean
        luma is from 0.25 to 0.85.
    """
    mean = float(luminance_within(frame).mean())
    dark, bright = _gain(mean / DARK), _gain((1 - mean) / BRIGHT)
    if 1 - dark * bright < _NOTHING:
        return stylized
    return 1 - (1 - stylized * dark) * bright


def lit(picture: Tensor, light: float, present: float) -> Tensor:
    """Bring a picture that has some light already to that of its frame, where that is dark or nearly white.

    Args:
        picture: 3×H×W, RGB.
        light: Mean luma of the frame, 0..1.
        present: Mean luma of what the picture's light comes from.

    Returns:
        3×H×W: `picture` itself where both are from 0.25 to 0.85, or the same.
    """
    dark = _quotient(_gain(light / DARK), _gain(present / DARK))
    bright = _quotient(_gain((1 - light) / BRIGHT), _gain((1 - present) / BRIGHT))
    if max(abs(1 - dark), abs(1 - bright)) < _NOTHING:
        return picture
    return 1 - (1 - picture * dark) * bright


def _quotient(wanted: float, present: float) -> float:
    return min(wanted / present, _MOST) if present > 0 else 1.0


def _gain(light: float) -> float:
    """`light` where it is small, 1 where it is large, with a smooth bend at 1."""
    light = max(light, 0.0)
    return light / (1 + light**_SHARPNESS) ** (1 / _SHARPNESS)
