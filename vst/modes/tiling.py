"""When a frame is stylized in tiles, and what happens when memory runs out.

The decision depends on the frame size, the network and its precision, and on nothing else: a frame that is
stylized in tiles differs in its last bits, and the same settings have to give the same frames on every
machine, whatever else is running there. docs/adr/0011-tiles-layer-by-layer.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vst.nn.footprint import tiled_bytes, whole_bytes
from vst.nn.style_network import StyleNetwork

LARGEST_WHOLE = 2 * 2**30
"""The most bytes that a frame may take without tiles, unless the user asks for none."""

TILE = 512
"""Side in pixels of the tiles that are used above that."""

SMALLEST_TILE = 64
"""A smaller tile would mostly overlap its neighbours."""

NO_TILES = 0
"""In place of a tile's side: never use tiles."""


@dataclass(frozen=True)
class MemoryEstimate:
    """The memory that stylizing one frame takes, in bytes.

    Attributes:
        peak: On the device, at the peak.
        without_tiles: What the peak would be without tiles.
        smallest_tiles: What it would be in the smallest tiles.
        tile: Side of the tiles in pixels; None: no tiles.
    """

    peak: int
    without_tiles: int
    smallest_tiles: int
    tile: int | None


def estimate_memory(
    network: StyleNetwork, batch: int, height: int, width: int, asked: int | None
) -> MemoryEstimate:
    """The memory that stylizing frames of this size takes, and whether that is in tiles.

    Args:
        network: Its weights in the type that it computes in.
        batch: Number of frames at once.
        height: Of a frame, in pixels.
        width: Of a frame, in pixels.
        asked: Side of a tile, `NO_TILES`, or None to decide by `LARGEST_WHOLE`.
    """
    whole = whole_bytes(network, batch, height, width)
    smallest = min(whole, tiled_bytes(network, batch, height, width, SMALLEST_TILE))
    tile = (TILE if whole > LARGEST_WHOLE else NO_TILES) if asked is None else asked
    if tile == NO_TILES or tile >= max(height, width):
        return MemoryEstimate(whole, whole, smallest, None)
    return MemoryEstimate(tiled_bytes(network, batch, height, width, tile), whole, smallest, tile)


def smaller_tile(tile: int | None, height: int, width: int) -> int | None:
    """The side of tiles to try next when tiles of this side, or a whole frame, were too large; None:
    none."""
    side = max(height, width) if tile is None else tile
    half = SMALLEST_TILE
    while 2 * half < side and 2 * half <= TILE:
        half *= 2
    return half if half < side else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on a GPU or the CPU.

    PyTorch has a class for GPUs only; its CPU allocator raises a plain RuntimeError, OpenCV its own.
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return any(
        each in text for each in ("can't allocate memory", "not enough memory", "insufficient memory")
    )
