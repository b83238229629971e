"""Something to hear: so that a clip's sound can be followed through a render."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

_LOW, _HIGH = 220.0, 330.0
"""Hertz, before and after the cut: a fifth apart."""

_LOUDNESS = 0.05
_FADE = 0.01
"""Seconds at either end, so that the tone does not begin or end with a click."""


def tone(duration: Fraction, cut: Fraction | None, sample_rate: int) -> NDArray[np.float32]:
    """A quiet sine of the given length, a fifth higher from the cut on; phase runs on.

    Args:
        duration: Seconds.
        cut: When the pitch changes, seconds; None never.
        sample_rate: Samples a second.

    Returns:
        Float32, one channel, −1..1, ``round(duration · sample_rate)`` samples.
    """
    n = round(duration * sample_rate)
    pitch = np.full(n, _LOW)
    if cut is not None:
        pitch[round(cut * sample_rate) :] = _HIGH
    wave = np.sin(2 * np.pi * np.cumsum(pitch) / sample_rate)
    seconds = np.arange(n) / sample_rate
    fade = np.clip(np.minimum(seconds, seconds[::-1]) / _FADE, 0, 1)
    return (_LOUDNESS * fade * wave).astype(np.float32)
