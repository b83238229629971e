"""How things move: curves over time, and the affine maps made of them.

Time is counted in frames and may be fractional. Matrices are 3×3, float64, and act on columns (x, y, 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


class Curve(Protocol):
    """One number as a function of time."""

    def at(self, t: float) -> float:
        """The value at frame t."""
        ...


@dataclass(frozen=True)
class Wave:
    """value + rate · t + amplitude · sin(2π t / period + phase)."""

    value: float = 0.0
    rate: float = 0.0
    amplitude: float = 0.0
    period: float = 1.0
    phase: float = 0.0

    def at(self, t: float) -> float:
        """The value at frame t."""
        return (
            self.value
            + self.rate * t
            + self.amplitude * math.sin(2 * math.pi * t / self.period + self.phase)
        )


@dataclass(frozen=True)
class Shuttle:
    """To and fro at constant speed: value ± amplitude, there and back in one period.

    At phase 0 it sets out from value − amplitude; the speed is 4 · |amplitude| / period.
    """

    value: float = 0.0
    amplitude: float = 0.0
    period: float = 1.0
    phase: float = 0.0

    def at(self, t: float) -> float:
        """The value at frame t."""
        part = (t / self.period + self.phase / (2 * math.pi)) % 1.0
        return self.value + self.amplitude * (4 * part - 1 if part < 0.5 else 3 - 4 * part)


STILL = Wave()
"""Zero at all times."""


@dataclass(frozen=True)
class Pose:
    """A similarity transform over time: scale, then turn, then move."""

    x: Curve = STILL
    """Place of the origin, pixels."""
    y: Curve = STILL
    """Place of the origin, pixels."""
    angle: Curve = STILL
    """Degrees, clockwise on screen."""
    log_scale: Curve = STILL
    """Natural logarithm of the scale."""

    def at(self, t: float) -> Matrix:
        """3×3 map from the thing's own coordinates to the world's at frame t."""
        return similarity(self.x.at(t), self.y.at(t), self.angle.at(t), math.exp(self.log_scale.at(t)))


@dataclass(frozen=True)
class Camera:
    """A camera that pans, zooms and tilts.

    ``centre`` is the middle of the picture; near layers pass faster when the camera pans.
    """

    centre: tuple[float, float]
    x: Curve = STILL
    """Where the camera is, pixels of the background."""
    y: Curve = STILL
    """Where the camera is, pixels of the background."""
    angle: Curve = STILL
    """Degrees."""
    log_zoom: Curve = STILL
    """Natural logarithm of the zoom."""

    def at(self, t: float, nearness: float) -> Matrix:
        """3×3 map from the world to pixels at frame t for a layer that pans ``nearness`` times as fast."""
        move = similarity(
            -self.centre[0] - nearness * self.x.at(t), -self.centre[1] - nearness * self.y.at(t)
        )
        return similarity(*self.centre, self.angle.at(t), math.exp(self.log_zoom.at(t))) @ move


def similarity(x: float, y: float, degrees: float = 0.0, scale: float = 1.0) -> Matrix:
    """3×3 matrix that scales and turns about the origin, then moves it to (x, y)."""
    a = math.radians(degrees)
    c, s = scale * math.cos(a), scale * math.sin(a)
    return np.array([[c, -s, x], [s, c, y], [0.0, 0.0, 1.0]])


def scale_of(matrix: Matrix) -> float:
    """By how much a similarity enlarges."""
    return math.hypot(matrix[0, 0], matrix[1, 0])
