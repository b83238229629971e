"""When a picture is painted in tiles, and what is done when memory runs out.

The decision depends on the picture, the network and its precision, and on nothing else: painted in tiles a
frame differs in its last bits, and the same settings have to give the same frames on every machine,
whatever else is running there. docs/adr/0011-tiles-layer-by-layer.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vst.nn.body import TransformationBody
from vst.nn.footprint import tiled_bytes, whole_bytes

LARGEST_WHOLE = 2 * 2**30
"""Bytes that a picture may take to be painted whole, unless it is asked for."""

TILE = 512
"""Side in pixels of the tiles that are used then."""

SMALLEST_TILE = 64
"""Below this a tile is mostly what it shares with its neighbours."""

WHOLE = 0
"""In place of a tile's side: never in tiles."""


@dataclass(frozen=True)
class Need:
    """What painting takes.

    Attributes:
        painting: Bytes on the device, at the peak of a step.
        whole: What it would be without tiles.
        least: What it would be in the smallest tiles.
        tile: Side of the tiles in pixels; None: painted whole.
        remembered: Bytes in main memory that are held from frame to frame, and to bring them to a frame.
    """

    painting: int
    whole: int
    least: int
    tile: int | None
    remembered: int = 0


def need(network: TransformationBody, batch: int, height: int, width: int, asked: int | None) -> Need:
    """What painting pictures of this size takes, and whether that is in tiles.

    Args:
        network: Its weights in the type that it paints in.
        batch: How many pictures at once.
        height: Of a picture, in pixels.
        width: Of the same.
        asked: Side of a tile, `WHOLE`, or None to decide by `LARGEST_WHOLE`.
    """
    whole = whole_bytes(network, batch, height, width)
    least = min(whole, tiled_bytes(network, batch, height, width, SMALLEST_TILE))
    tile = (TILE if whole > LARGEST_WHOLE else WHOLE) if asked is None else asked
    if tile == WHOLE or tile >= max(height, width):
        return Need(whole, whole, least, None)
    return Need(tiled_bytes(network, batch, height, width, tile), whole, least, tile)


def smaller(tile: int | None, height: int, width: int) -> int | None:
    """The side of tiles to go on with where that one, or a whole picture, was too large; None: none."""
    side = max(height, width) if tile is None else tile
    half = SMALLEST_TILE
    while 2 * half < side and 2 * half <= TILE:
        half *= 2
    return half if half < side else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is no memory left, on a GPU or the CPU.

    PyTorch has a class for GPUs only; its CPU allocator raises a plain RuntimeError, OpenCV its own.
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return any(
        each in text for each in ("can't allocate memory", "not enough memory", "insufficient memory")
    )
