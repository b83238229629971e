"""The memory that optimising a picture takes, and whether it is done in tiles.

The decision depends on the size of the frame and the precision alone, as in `vst.modes.tiling`.
"""

from __future__ import annotations

import torch

from vst.modes.optimisation.features import DEEPEST_STRIDE, reach_of
from vst.modes.tiling import NO_TILES, MemoryEstimate

LARGEST_WHOLE = 3 * 2**30
"""The most bytes that a picture may take without tiles, unless the user asks for none."""

TILE = 768
"""Side in pixels of the tiles that are used above that."""

SMALLEST_TILE = 64

_GRAPH, _MAPS, _PICTURES = 1000, 330, 100
"""Values a pixel: of the features that the way back needs, VGG-19's up to the fifth stage; of the features
of the layers that are compared, their gradients and what a statistic makes of one; and of pictures in fp32:
those that L-BFGS remembers above all."""

_PICTURE_BYTES = 4 * _PICTURES

_GUIDED_BYTES = 400
"""A pixel for each of several regions: the features of the largest layer, multiplied by its guidance."""
_WEIGHTS = 150 * 2**20


def optimisation_memory(
    width: int,
    height: int,
    precision: torch.dtype,
    deepest: str,
    asked: int | None,
    regions: int = 1,
) -> MemoryEstimate:
    """The memory of optimising a frame of this size, in pixels.

    Args:
        width: Of the frame.
        height: Of the frame.
        precision: Of the convolutions.
        deepest: The deepest layer that is compared.
        asked: Side of a tile in pixels, `NO_TILES`, or None to decide by `LARGEST_WHOLE`.
        regions: Of the frame.
    """
    size = torch.finfo(precision).bits // 8
    pixels = width * height
    kept = _WEIGHTS + pixels * (_PICTURE_BYTES + (_GUIDED_BYTES * regions if regions > 1 else 0))

    def tiled(tile: int) -> int:
        seen = tile + 2 * (-(-reach_of(deepest) // DEEPEST_STRIDE) * DEEPEST_STRIDE)
        return kept + size * (min(seen**2, pixels) * _GRAPH + pixels * _MAPS)

    whole = kept + size * pixels * (_GRAPH + _MAPS)
    smallest = min(whole, tiled(SMALLEST_TILE))
    tile = (TILE if whole > LARGEST_WHOLE else NO_TILES) if asked is None else asked
    if tile == NO_TILES or tile >= max(width, height):
        return MemoryEstimate(whole, whole, smallest, None)
    return MemoryEstimate(tiled(tile), whole, smallest, tile)
