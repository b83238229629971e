"""Frames that are too large for a network at once: overlapping tiles whose flow is blended."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Network = Callable[[Tensor, Tensor], Tensor]
"""Flow B×2×H×W from two pictures B×3×H×W."""


def tiled(
    network: Network, first: Tensor, second: Tensor, *, tile: int, overlap: int, multiple: int
) -> Tensor:
    """The flow of a network that sees no more than a tile at a time.

    Tiles lie on the network's own grid, so that away from their borders they give what the whole frame
    would. In an overlap the flow of one tile fades into that of the next. What moves further than the
    overlap, out of its tile, is not found.

    Args:
        network: Sees both pictures' tiles at the same place.
        first: B×3×H×W, H and W multiples of ``multiple``.
        second: The same for the other frame.
        tile: Longest side of a tile; a multiple of ``multiple``.
        overlap: What neighbouring tiles share at least; less than ``tile``, a multiple of ``multiple``.
        multiple: The network's grid.

    Returns:
        Flow B×2×H×W, float32; the network's own where one tile suffices.
    """
    height, width = first.shape[-2:]
    tall, rows = _spread(height, tile, overlap, multiple)
    wide, columns = _spread(width, tile, overlap, multiple)
    if len(rows) == len(columns) == 1:
        return network(first, second).float()
    flow = first.new_zeros((len(first), 2, height, width), dtype=torch.float32)
    total = flow.new_zeros((height, width))
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            place = (..., slice(top, top + tall), slice(left, left + wide))
            found = network(first[place], second[place]).float()
            down = _fade(tall, top, rows[i - 1 : i], rows[i + 1 : i + 2])
            across = _fade(wide, left, columns[j - 1 : j], columns[j + 1 : j + 2])
            weight = (down[:, None] * across).to(found.device)
            flow[place] += weight * found
            total[place] += weight
    return flow / total


def _spread(length: int, tile: int, overlap: int, multiple: int) -> tuple[int, list[int]]:
    """How long tiles are along one side and where they begin: few, and no longer than need be."""
    if length <= tile:
        return length, [0]
    count = -(-(length - overlap) // (tile - overlap))
    size = -(-(length + (count - 1) * overlap) // (count * multiple)) * multiple
    # Even, on the grid. Rounded down, neighbours differ by at most the even distance rounded up, which is
    # no more than size − overlap.
    starts = [k * (length - size) // (count - 1) // multiple * multiple for k in range(count)]
    return size, starts


def _fade(size: int, start: int, before: list[int], after: list[int]) -> Tensor:
    """Weights of a tile along one side: 1, with straight slopes where a neighbour overlaps."""
    weights = torch.ones(size)
    if before:
        shared = before[0] + size - start
        weights[:shared] *= (torch.arange(shared) + 0.5) / shared
    if after:
        shared = start + size - after[0]
        weights[-shared:] *= (torch.arange(shared).flip(0) + 0.5) / shared
    return weights
