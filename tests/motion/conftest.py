"""A small synthetic world with exact flow and exact occlusion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor


def _texture(generator: torch.Generator, size: int) -> Tensor:
    """A texture with detail at three scales, 3×size×size, 0..1."""
    layers = []
    for cell, weight in ((4, 0.35), (12, 0.35), (40, 0.3)):
        coarse = torch.rand(1, 3, size // cell + 3, size // cell + 3, generator=generator)
        fine = F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True)[0]
        layers.append(weight * fine)
    return sum(layers, torch.zeros(3, size, size)).clamp(0, 1)


def _sample(texture: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The texture at (x, y), H×W each, in texels from its middle; bicubic."""
    half = (texture.shape[-1] - 1) / 2
    grid = torch.stack((x / half, y / half), dim=-1)[None]
    found = F.grid_sample(texture[None], grid, mode="bicubic", align_corners=True, padding_mode="border")
    return found[0].clamp(0, 1)


@dataclass(frozen=True)
class World:
    """A textured background under a moving camera, and a textured disc that moves in front of it.

    Everything is a function of t, so frames, flow and occlusion between any two times are exact. Positions
    are pixels from the middle of the picture.
    """

    height: int
    width: int
    background: Tensor
    foreground: Tensor
    camera: Callable[[int], tuple[float, float, float]]
    """t -> (x, y, zoom)"""
    disc: Callable[[int], tuple[float, float, float]]
    """t -> (x, y, radius); a radius of 0 is no disc."""

    def _pixels(self) -> tuple[Tensor, Tensor]:
        y, x = torch.meshgrid(torch.arange(self.height), torch.arange(self.width), indexing="ij")
        return x - (self.width - 1) / 2, y - (self.height - 1) / 2

    def on_disc(self, t: int, x: Tensor, y: Tensor) -> Tensor:
        cx, cy, radius = self.disc(t)
        return (x - cx) ** 2 + (y - cy) ** 2 < radius**2

    def frame(self, t: int) -> Tensor:
        x, y = self._pixels()
        cx, cy, zoom = self.camera(t)
        dx, dy, _ = self.disc(t)
        behind = _sample(self.background, x / zoom + cx, y / zoom + cy)
        front = _sample(self.foreground, x - dx, y - dy)
        return torch.where(self.on_disc(t, x, y), front, behind)

    def flow(self, a: int, b: int) -> Tensor:
        """Flow from frame a to frame b on a's grid, 2×H×W, pixels."""
        x, y = self._pixels()
        (ax, ay, az), (bx, by, bz) = self.camera(a), self.camera(b)
        to_x = ((x / az + ax) - bx) * bz
        to_y = ((y / az + ay) - by) * bz
        (adx, ady, _), (bdx, bdy, _) = self.disc(a), self.disc(b)
        front = self.on_disc(a, x, y)
        of_disc = torch.tensor((bdx - adx, bdy - ady)).view(2, 1, 1)
        return torch.where(front, of_disc, torch.stack((to_x - x, to_y - y)))

    def hidden(self, a: int, b: int) -> Tensor:
        """Pixels of frame a that frame b does not show, 1×H×W: behind the disc or out of the frame."""
        x, y = self._pixels()
        u, v = self.flow(a, b)
        covered = ~self.on_disc(a, x, y) & self.on_disc(b, x + u, y + v)
        outside = ((x + u).abs() > (self.width - 1) / 2) | ((y + v).abs() > (self.height - 1) / 2)
        return (covered | outside)[None]


@pytest.fixture
def make_world() -> Callable[..., World]:
    """Builds a ``World``, by default 160×120; camera and disc are functions of t."""

    def make(
        camera: Callable[[int], tuple[float, float, float]] = lambda t: (0.0, 0.0, 1.0),
        disc: Callable[[int], tuple[float, float, float]] = lambda t: (0.0, 0.0, 0.0),
        height: int = 120,
        width: int = 160,
        seed: int = 0,
    ) -> World:
        generator = torch.Generator().manual_seed(seed)
        size = 2 * max(height, width)
        return World(height, width, _texture(generator, size), _texture(generator, size), camera, disc)

    return make
