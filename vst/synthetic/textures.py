"""Textures of objects: photographs, or synthetic pictures of overlapping leaves.

The synthetic ones follow the dead leaves model (Lee, Mumford, Huang: Occlusion models for natural images,
IJCV 2001): leaves of all sizes that hide each other have the edges, flat parts and scales of natural
pictures. Each leaf has a colour of the picture's palette, shading, and grain or stripes of its own.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Image = NDArray[np.float32]

_SUPERSAMPLING = 2
"""Leaves are drawn with hard edges at this many times the size and averaged down."""


def band_limit(picture: Image, softness: float) -> Image:
    """A picture h×w×3 without detail that pixels cannot hold: Gaussian blur of ``softness`` pixels."""
    if softness <= 0:
        return picture
    return np.asarray(
        cv2.GaussianBlur(picture, (0, 0), softness, borderType=cv2.BORDER_REFLECT_101), np.float32
    )


def from_photograph(photo: Tensor, rng: np.random.Generator, width: int, height: int) -> Image:
    """A photograph as a texture for a layer of about width × height pixels; h×w×3, 0..1.

    It is cropped where it is larger than needed, enlarged where it is much smaller, sometimes mirrored.
    """
    picture = np.ascontiguousarray(photo.detach().cpu().numpy().transpose(1, 2, 0), dtype=np.float32).clip(
        0, 1
    )
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    scale = max(rng.uniform(0.7, 1.3), 0.8 * min(width, height) / min(picture.shape[:2]))
    crop = []
    for size, wanted in zip(picture.shape[:2], (height, width), strict=True):
        length = min(size, math.ceil(wanted / scale) + 8)
        start = int(rng.integers(size - length + 1))
        crop.append(slice(start, start + length))
    picture = np.ascontiguousarray(picture[crop[0], crop[1]])
    size = (max(8, round(picture.shape[1] * scale)), max(8, round(picture.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(picture, size, interpolation=how).clip(0, 1).astype(np.float32)


def dead_leaves(rng: np.random.Generator, width: int, height: int, leaves: int = 120) -> Image:
    """A picture of about this many overlapping leaves, height×width×3, 0.03..0.97."""
    w, h = width * _SUPERSAMPLING, height * _SUPERSAMPLING
    palette = _palette(rng)
    top, outlines = _leaves(rng, w, h, leaves)
    n = len(outlines)

    colour = (
        palette[rng.integers(len(palette), size=n)]
        + rng.normal(0, 0.04, (n, 1))
        + rng.normal(0, 0.02, (n, 3))
    )
    tilt = rng.normal(0, 0.12, (n, 2)) / np.maximum(outlines[:, 2:3], 8)
    grain = rng.choice([0.0, 0.03, 0.08, 0.15], size=n, p=[0.3, 0.3, 0.25, 0.15])
    stripes = np.where(rng.random(n) < 0.25, rng.uniform(0.04, 0.12, n), 0.0)
    direction = rng.uniform(0, math.pi, n)
    pitch = 2 * math.pi / (rng.uniform(4, 16, n) * _SUPERSAMPLING)
    # Per leaf, one row: what a pixel of it needs.
    rows = np.stack(
        (
            tilt[:, 0],
            tilt[:, 1],
            -(tilt * outlines[:, :2]).sum(1),
            grain,
            stripes,
            pitch * np.cos(direction),
            pitch * np.sin(direction),
        ),
        axis=1,
    ).astype(np.float32)
    y = np.arange(h, dtype=np.float32)[:, None]
    x = np.arange(w, dtype=np.float32)[None, :]
    take = [rows[:, i][top] for i in range(rows.shape[1])]
    shade = take[0] * x + take[1] * y + take[2]
    np.clip(shade, -0.25, 0.25, out=shade)
    fine = _noise(rng, w, h, (3, 6, 14))
    shade += take[3] * fine
    if stripes.any():
        shade += take[4] * np.sin(take[5] * x + take[6] * y + 2 * fine)
    shade += 0.06 * _noise(rng, w, h, (w / 3, w / 8))
    picture = colour.astype(np.float32)[top] + shade[..., None]
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32).clip(0.03, 0.97)


def _leaves(
    rng: np.random.Generator, w: int, h: int, leaves: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Which leaf is on top at every pixel, and (x, y, radius) of each; leaf 0 is the ground."""
    short = min(w, h)
    n = round(leaves * rng.uniform(0.7, 1.4))
    least, most = max(4.0, 0.015 * short), 0.4 * short
    # Radii with density r^-3, the one that looks alike at every scale; few large ones, many small ones.
    u = rng.random(n)
    radii = np.sqrt(1 / (u / most**2 + (1 - u) / least**2)) * 1.5
    large = max(4, n // 12)
    radii[:large] = rng.uniform(0.15, 0.5, large) * short
    x, y = rng.uniform(0, w, n), rng.uniform(0, h, n)
    canvas = np.zeros((h, w), np.int32)
    for i in range(n):
        angle, r = rng.uniform(0, 360), radii[i]
        centre = (round(x[i]), round(y[i]))
        if rng.random() < 0.55:
            axes = (max(2, round(r)), max(2, round(r * rng.uniform(0.3, 1.0))))
            cv2.ellipse(canvas, centre, axes, angle, 0, 360, i + 1, cv2.FILLED)
        else:
            corners = int(rng.integers(3, 8))
            turn = np.sort(rng.uniform(0, 2 * math.pi, corners))
            far = r * rng.uniform(0.6, 1.1, corners)
            points = np.stack((x[i] + far * np.cos(turn), y[i] + far * np.sin(turn)), axis=1)
            cv2.fillPoly(canvas, [points.round().astype(np.int32)], i + 1)
    ground = np.array([[w / 2, h / 2, max(w, h) / 2]])
    return canvas, np.concatenate((ground, np.stack((x, y, radii), axis=1)))


def _palette(rng: np.random.Generator) -> NDArray[np.float64]:
    """Seven colours that go together: near one hue and near its opposite, from dark to light."""
    hue = rng.uniform(0, 360)
    hues = (hue + rng.choice([0, 25, -25, 150, 180, 210], size=7) + rng.normal(0, 8, 7)) % 360
    saturation = rng.uniform(0.1, 0.65, 7)
    value = np.linspace(0.18, 0.92, 7) + rng.normal(0, 0.04, 7)
    hsv = np.stack((hues, saturation, value.clip(0.1, 0.95)), axis=1).astype(np.float32)[None]
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0].astype(np.float64)


def _noise(rng: np.random.Generator, w: int, h: int, cells: tuple[float, ...]) -> Image:
    """Smooth noise h×w of about ±1: one octave for each size of cell, coarse ones stronger."""
    total = np.zeros((h, w), np.float32)
    weights = np.sqrt(np.array(cells))
    for cell, weight in zip(cells, weights / np.sqrt((weights**2).sum()), strict=True):
        size = (max(2, math.ceil(w / cell) + 1), max(2, math.ceil(h / cell) + 1))
        values = rng.standard_normal((size[1], size[0]), dtype=np.float32)
        total += np.float32(weight) * cv2.resize(values, (w, h), interpolation=cv2.INTER_CUBIC)
    return total
