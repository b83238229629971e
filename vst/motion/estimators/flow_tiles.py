"""Tiled inference: flow of a frame that is too large for a network, blended from overlapping tiles."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

FlowFunction = Callable[[Tensor, Tensor], Tensor]
"""Flow B×2×H×W from two batches B×C×H×W."""


def tiled_flow(
    network: FlowFunction, first: Tensor, second: Tensor, *, tile: int, overlap: int, multiple: int
) -> Tensor:
    """The flow of a network, evaluated tile by tile.

    Tiles begin at multiples of the network's stride, so that away from their borders they give the flow of
    the whole frame. Where tiles overlap, their flow is blended linearly. Motion out of a tile by more than
    the overlap is not found.

    Args:
        network: Called with the same tile of both inputs.
        first: B×C×H×W, H and W multiples of ``multiple``.
        second: The same for the other frame.
        tile: Longest side of a tile, in pixels; a multiple of ``multiple``.
        overlap: Smallest overlap of adjacent tiles; less than ``tile``, a multiple of ``multiple``.
        multiple: Sides and positions of tiles are multiples of this.

    Returns:
        Flow B×2×H×W, float32; the network's output unchanged if there is one tile.
    """
    height, width = first.shape[-2:]
    tile_height, rows = _layout(height, tile, overlap, multiple)
    tile_width, columns = _layout(width, tile, overlap, multiple)
    if len(rows) == len(columns) == 1:
        return network(first, second).float()
    flow = first.new_zeros((len(first), 2, height, width), dtype=torch.float32)
    total = flow.new_zeros((height, width))
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            area = (..., slice(top, top + tile_height), slice(left, left + tile_width))
            tile_flow = network(first[area], second[area]).float()
            down = _blend_weights(tile_height, top, rows[i - 1 : i], rows[i + 1 : i + 2])
            across = _blend_weights(tile_width, left, columns[j - 1 : j], columns[j + 1 : j + 2])
            weight = (down[:, None] * across).to(tile_flow.device)
            flow[area] += weight * tile_flow
            total[area] += weight
    return flow / total


def _layout(length: int, tile: int, overlap: int, multiple: int) -> tuple[int, list[int]]:
    """Length and starts of the tiles along one side: as few and as short as possible."""
    if length <= tile:
        return length, [0]
    count = -(-(length - overlap) // (tile - overlap))
    size = -(-(length + (count - 1) * overlap) // (count * multiple)) * multiple
    # Evenly spaced and rounded down to multiples. Then adjacent starts differ by at most the even distance
    # rounded up, which is no more than size − overlap.
    starts = [k * (length - size) // (count - 1) // multiple * multiple for k in range(count)]
    return size, starts


def _blend_weights(size: int, start: int, before: list[int], after: list[int]) -> Tensor:
    """Weights of a tile along one side: 1, with linear ramps where adjacent tiles overlap."""
    weights = torch.ones(size)
    if before:
        shared = before[0] + size - start
        weights[:shared] *= (torch.arange(shared) + 0.5) / shared
    if after:
        shared = start + size - after[0]
        weights[-shared:] *= (torch.arange(shared).flip(0) + 0.5) / shared
    return weights
