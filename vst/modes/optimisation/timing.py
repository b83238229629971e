"""How long a step of an optimisation takes."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

MEASURED_SIDE = 192
"""Short side, in pixels, of the picture at which steps are timed."""

_STEPS = 2

_TILES_TWICE = 4 / 3
"""Tiles compute a part of the forward pass twice."""


def seconds_a_step(
    objective: Callable[[Tensor], object],
    picture: Tensor,
    size: tuple[int, int],
    tile: int | None,
    reach: int,
) -> float:
    """Seconds of one step at a size, by a few steps at a smaller one.

    Args:
        objective: Of the small picture.
        picture: 3×h×w, the small picture.
        size: Width and height that are asked for, in pixels.
        tile: Side of the tiles at that size, in pixels; None: no tiles.
        reach: Pixels that a tile sees beyond its sides.
    """
    objective(picture)  # the first run chooses kernels and fills caches
    _wait_for(picture.device)
    began = time.perf_counter()
    for _ in range(_STEPS):
        objective(picture)
    _wait_for(picture.device)
    height, width = picture.shape[-2:]
    each = (time.perf_counter() - began) / _STEPS * (size[0] * size[1]) / (width * height)
    # Tiles see beyond their sides, and compute what they see twice.
    return each if tile is None else each * _TILES_TWICE * ((tile + 2 * reach) / tile) ** 2


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
