"""Outlines of things, evaluated at any point: so occlusion is exact between pixels too."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


class Shape(Protocol):
    """An outline around the origin."""

    @property
    def radius(self) -> float:
        """Nothing of the shape is farther from the origin than this."""
        ...

    def distance(self, x: Array, y: Array) -> Array:
        """Signed distance to the outline at points (x, y): negative inside, zero on it.

        Exact in sign everywhere and in value near the outline (to first order on curved ones).
        """
        ...


@dataclass(frozen=True)
class Ellipse:
    """An ellipse with half axes a and b."""

    a: float
    b: float

    @property
    def radius(self) -> float:
        """The longer half axis."""
        return max(self.a, self.b)

    def distance(self, x: Array, y: Array) -> Array:
        """See ``Shape.distance``."""
        u, v = x / self.a, y / self.b
        norm = np.sqrt(u * u + v * v)
        # First order: f / |∇f| with f = norm − 1; the slope is 0/0 in the middle, where any step will do.
        slope = np.sqrt((u / self.a) ** 2 + (v / self.b) ** 2) / np.maximum(norm, 1e-6)
        return (norm - 1) / np.maximum(slope, 1 / self.radius)


@dataclass(frozen=True)
class Polygon:
    """A convex polygon: the common part of half planes cos φ · x + sin φ · y ≤ d."""

    angles: tuple[float, ...]
    """φ of each side, radians; they go all the way round."""
    distances: tuple[float, ...]
    """d of each side, above zero."""

    @property
    def radius(self) -> float:
        """How far the farthest corner is."""
        sides = list(zip(self.angles, self.distances, strict=True))
        reach = 0.0
        for (a, p), (b, q) in zip(sides, sides[1:] + sides[:1], strict=True):
            # The corner of two sides, in the frame of the first: p along its normal, c along the side.
            c = (q - p * math.cos(b - a)) / math.sin(b - a)
            reach = max(reach, math.hypot(p, c))
        return reach

    def distance(self, x: Array, y: Array) -> Array:
        """See ``Shape.distance``."""
        out = np.full(np.broadcast(x, y).shape, -np.inf, dtype=np.result_type(x, y))
        for angle, d in zip(self.angles, self.distances, strict=True):
            np.maximum(out, math.cos(angle) * x + math.sin(angle) * y - d, out=out)
        return out


@dataclass(frozen=True)
class Blob:
    """r(φ) = size · (1 + Σ_k a_k cos(k φ + ψ_k)), k = 2, 3, ...: something round with dents."""

    size: float
    amplitudes: tuple[float, ...]
    phases: tuple[float, ...]

    @property
    def radius(self) -> float:
        """The size with all dents outwards at once."""
        return self.size * (1 + sum(abs(a) for a in self.amplitudes))

    def distance(self, x: Array, y: Array) -> Array:
        """See ``Shape.distance``."""
        rho = np.sqrt(x * x + y * y)
        # cos kφ and sin kφ by turning (cos φ, sin φ) on; much cheaper than an angle and its cosines.
        scale = 1 / np.maximum(rho, 1e-6)
        c1, s1 = x * scale, y * scale
        c, s = c1, s1
        r = np.full_like(rho, self.size)
        slope = np.zeros_like(rho)
        for k, (amplitude, phase) in enumerate(zip(self.amplitudes, self.phases, strict=True), start=2):
            c, s = c * c1 - s * s1, s * c1 + c * s1
            a, b = self.size * amplitude * math.cos(phase), self.size * amplitude * math.sin(phase)
            r += a * c - b * s  # size · a_k · cos(k φ + ψ_k)
            slope -= k * (a * s + b * c)
        return (rho - r) / np.sqrt(1 + (slope / np.maximum(rho, 0.1 * self.size)) ** 2)


def rectangle(width: float, height: float) -> Polygon:
    """An upright rectangle around the origin."""
    half = (width / 2, height / 2)
    return Polygon(tuple(i * math.pi / 2 for i in range(4)), (half[0], half[1], half[0], half[1]))


def random_shape(rng: np.random.Generator, size: float) -> Shape:
    """An ellipse, a polygon or a blob of about the given radius."""
    kind = rng.integers(3)
    if kind == 0:
        return Ellipse(size, size * rng.uniform(0.55, 1.0))
    if kind == 1:
        n = int(rng.integers(3, 7))
        step = 2 * math.pi / n
        angles = tuple(float(i * step + rng.uniform(-0.15, 0.15) * step) for i in range(n))
        inner = size * (0.5 if n == 3 else 0.75)
        return Polygon(angles, tuple(float(inner * rng.uniform(0.85, 1.15)) for _ in range(n)))
    weights = tuple(float(rng.uniform(-0.5, 0.5) / k**1.3) for k in range(2, 6))
    return Blob(0.8 * size, weights, tuple(float(rng.uniform(0, 2 * math.pi)) for _ in weights))
