"""Optical flow that changes where objects end: at motion boundaries each pixel takes the flow that fits it.

A patch matcher bleeds across the outline of what moves, by half a patch. What is carried along such flow
drags a rim of background with the object, frame after frame. The right flow is near: that of the object
on one side of the outline, that of the background on the other. So every pixel near a motion boundary is
offered the flow of pixels on a ring around it, and takes the one by which a small window around it looks
most like the other frame. Three times, on smaller and smaller rings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np

from vst.motion.fields import Array, grid, sample_at

_SPREAD = 0.7
"""Pixels by which flow differs within a neighbourhood that has a motion boundary."""

_NEIGHBOURHOOD = 11
"""Side of that neighbourhood, in steps of two pixels."""

_PASSES = ((12, 2), (5, 1), (2, 1))
"""Radius of the ring, and half the side of the window, in pixels, of each pass."""

_DIRECTIONS = 8

_MOST = np.uint8(30)
"""Luma differences, of 255, count at most this much: a single pixel does not decide."""

_MEDIAN = 5
"""Side of the median filter over the flow that was chosen, in pixels."""

_TILE = 96
"""Height in pixels of the regions that are searched: what has no motion boundary is left out."""


def refine_boundaries(flow: Array, a: Array, b: Array) -> Array:
    """Choose among neighbouring flow vectors at motion boundaries.

    Args:
        flow: H×W×2 float32, pixels, x then y, with a(p) ≈ b(p + flow(p)).
        a: H×W uint8, luma.
        b: H×W uint8, luma of the other frame.

    Returns:
        H×W×2 float32; `flow` itself if it has no motion boundary.
    """
    boundary = _near_boundary(flow)
    if not boundary.any():
        return flow
    for radius, half in _PASSES:
        flow = _choose(flow, a, b, boundary, _offsets(radius), half)
    # Pixels chose for themselves; one that disagrees with those around it is wrong.
    agreed = np.dstack([cv2.medianBlur(np.ascontiguousarray(plane), _MEDIAN) for plane in cv2.split(flow)])
    return np.where(boundary[..., None] > 0, agreed, flow)


def _near_boundary(flow: Array) -> Array:
    """H×W uint8, not 0 where the flow changes within the neighbourhood."""
    kernel = np.ones((_NEIGHBOURHOOD, _NEIGHBOURHOOD), np.uint8)
    every_other = np.ascontiguousarray(flow[::2, ::2])
    spread = cv2.dilate(every_other, kernel) - cv2.erode(every_other, kernel)
    changes = (np.maximum(spread[..., 0], spread[..., 1]) > _SPREAD).astype(np.uint8)
    return cv2.resize(changes, flow.shape[1::-1], interpolation=cv2.INTER_NEAREST)


def _choose(
    flow: Array, a: Array, b: Array, boundary: Array, offsets: list[tuple[int, int]], half: int
) -> Array:
    """One pass: the best of the flow at each offset, its own first."""
    reach = max(max(abs(dx), abs(dy)) for dx, dy in offsets)
    offered = cv2.copyMakeBorder(flow, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    # What pixel p + d sees with its own flow is at targets(p + d). With that flow pixel p sees what is d
    # before that: in `b` moved by d, at the same place. So no sum is needed for any offset.
    targets = offered + grid(*offered.shape[:2])
    far = 2 * reach
    wide = cv2.copyMakeBorder(b, far, far, far, far, cv2.BORDER_REPLICATE)
    best = np.zeros_like(a)
    for rows, columns, inner in _regions(boundary, half):
        window = a[rows, columns]
        number = np.zeros_like(window)
        least: Array | None = None
        for each, (dx, dy) in enumerate(offsets):
            places = targets[_moved(rows, reach + dy), _moved(columns, reach + dx)]
            cost = _cost(window, sample_at(wide[reach - dy :, reach - dx :], places), half)
            if least is None:
                least = cost
                continue
            better = cv2.compare(cost, least, cv2.CMP_LT)
            cv2.min(cost, least, least)
            # Numbers grow, so the larger one is the later one.
            cv2.max(number, np.bitwise_and(better, np.uint8(each)), number)
        best[rows, columns][inner] = number[inner]
    return _taken(offered, reach, offsets, best * boundary)


def _taken(offered: Array, reach: int, offsets: list[tuple[int, int]], best: Array) -> Array:
    """The flow at the offset with the number `best` (H×W), of what is wider than that by `reach`."""
    height, width = best.shape
    vectors = offered.view(np.int64).ravel()  # both components at once
    wide = width + 2 * reach
    steps = np.array([dy * wide + dx for dx, dy in offsets], np.int32)
    own = np.arange(vectors.size, dtype=np.int32).reshape(-1, wide)[reach:-reach, reach:-reach]
    return vectors.take(own + steps.take(best)).view(np.float32).reshape(height, width, 2)


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)


def _cost(window: Array, moved: Array, half: int) -> Array:
    """Sum of capped absolute differences over the window of each pixel, H×W int16."""
    side = 2 * half + 1
    difference = np.minimum(cv2.absdiff(window, moved), _MOST)
    return cv2.boxFilter(difference, cv2.CV_16S, (side, side), normalize=False)


def _regions(boundary: Array, half: int) -> Iterator[tuple[slice, slice, tuple[slice, slice]]]:
    """Regions with a motion boundary: rows and columns with a margin, and the region within these."""
    height, width = boundary.shape
    for top in range(0, height, _TILE):
        bottom = min(top + _TILE, height)
        for left, right in _runs(boundary[top:bottom].max(axis=0)):
            above, before = max(top - half, 0), max(left - half, 0)
            rows = slice(above, min(bottom + half, height))
            columns = slice(before, min(right + half, width))
            inner = slice(top - above, bottom - above), slice(left - before, right - before)
            yield rows, columns, inner


def _runs(marked: Array) -> Iterator[tuple[int, int]]:
    """Start and end of each run of columns with a mark, gaps of less than a tile included."""
    columns = np.flatnonzero(marked)
    if not columns.size:
        return
    ends = np.flatnonzero(np.diff(columns) > _TILE)
    starts = columns[np.concatenate(([0], ends + 1))]
    stops = columns[np.concatenate((ends, [len(columns) - 1]))] + 1
    yield from zip(starts.tolist(), stops.tolist(), strict=True)


def _offsets(radius: int) -> list[tuple[int, int]]:
    """Whole offsets, x then y, of the pixel itself and of the ring around it."""
    angles = [2 * math.pi * turn / _DIRECTIONS for turn in range(_DIRECTIONS)]
    return [(0, 0), *((round(radius * math.cos(a)), round(radius * math.sin(a))) for a in angles)]
