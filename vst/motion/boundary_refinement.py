"""Optical flow that changes where objects end: at motion boundaries each pixel takes the flow that fits it.

A patch matcher bleeds across the outline of what moves, by half a patch. What is propagated along such flow
drags a rim of background with the object, frame after frame. The right flow is near: that of the object
on one side of the outline, that of the background on the other. So every pixel near a motion boundary whose
flow does not fit is offered the flow of pixels on a ring around it, and takes the one by which a small
window around it looks most like the other frame. Three times, on smaller and smaller rings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from vst.motion.fields import Array, grid, sample, sample_at

_SPREAD = 1.0
"""Pixels by which flow differs within a neighbourhood that has a motion boundary."""

_NEIGHBOURHOOD = 11
"""Side of that neighbourhood, in steps of two pixels."""

_MISFIT, _CONTRAST = 1.5, 40.0
"""Difference in luma, of 255, of a window and what its flow points to, above which flow may be wrong; less
in proportion in frames with less contrast (standard deviation of luma) than this."""

_SMALLEST = 5
"""Side of the windows, and of the smallest square in which they differ, in pixels: less is noise."""

_AROUND = 9
"""Side in pixels of the square by which these are widened: a window at their rim partly fits."""

_PASSES = ((12, 2), (5, 1), (2, 1))
"""Radius of the ring, and half the side of the window, in pixels, of each pass."""

_DIRECTIONS = 8

_MOST = np.uint8(30)
"""Luma differences, of 255, count at most this much: a single pixel does not decide."""

_MEDIAN = 5
"""Side of the median filter over the flow that was chosen, in pixels."""

_TILE, _GAP = 64, 32
"""Height of the regions that are searched, and least width of what is left out between two, in pixels."""

_MARGIN = max(radius + half for radius, half in _PASSES)
"""Pixels around a frame in which every ring with its windows lies; the border is repeated there."""


@dataclass(frozen=True, slots=True)
class _Region:
    """A part of a frame in which flow may be wrong.

    Attributes:
        top: Its first row.
        left: Its first column.
        doubtful: H×W bool, at which of its pixels.
    """

    top: int
    left: int
    doubtful: Array

    def within(self, widened: Array, margin: int, around: int = 0) -> Array:
        """The region in a frame that was widened by a margin, with some pixels around it; a view."""
        height, width = self.doubtful.shape
        y, x = self.top + margin - around, self.left + margin - around
        return widened[y : y + height + 2 * around, x : x + width + 2 * around]


def refine_boundaries(flow: Array, a: Array, b: Array) -> Array:
    """Choose among neighbouring flow vectors at motion boundaries.

    Args:
        flow: H×W×2 float32, pixels, x then y, with a(p) ≈ b(p + flow(p)).
        a: H×W uint8, luma.
        b: H×W uint8, luma of the other frame.

    Returns:
        H×W×2 float32; `flow` itself if it fits at all motion boundaries.
    """
    regions = list(_regions(_doubtful(flow, a, b)))
    if not regions:
        return flow
    wide_flow, wide_a, wide_b = _widened(flow, _MARGIN), _widened(a, _MARGIN), _widened(b, 2 * _MARGIN)
    for radius, half in _PASSES:
        offsets = _offsets(radius)
        # All choose among the vectors of the pass before.
        chosen = [_choose(each, wide_flow, wide_a, wide_b, offsets, half) for each in regions]
        for region, vectors in zip(regions, chosen, strict=True):
            region.within(wide_flow, _MARGIN)[...] = vectors
        _repeat_border(wide_flow, _MARGIN)
    return _agreed(flow, wide_flow, regions)


def _doubtful(flow: Array, a: Array, b: Array) -> Array:
    """H×W bool, near a motion boundary, and the frames differ there."""
    boundary = _near_boundary(flow)
    if not boundary.any():
        return boundary
    cost = _cost(a, sample(b, flow), _SMALLEST // 2)
    most = _MISFIT * min(1.0, float(a.std()) / _CONTRAST)
    misfit = ((cost > most * _SMALLEST**2) & boundary).view(np.uint8)
    square, around = (np.ones((side, side), np.uint8) for side in (_SMALLEST, _AROUND))
    return cv2.dilate(cv2.morphologyEx(misfit, cv2.MORPH_OPEN, square), around).view(bool) & boundary


def _near_boundary(flow: Array) -> Array:
    """H×W bool, where the flow changes within the neighbourhood."""
    kernel = np.ones((_NEIGHBOURHOOD, _NEIGHBOURHOOD), np.uint8)
    every_other = np.ascontiguousarray(flow[::2, ::2])
    spread = cv2.dilate(every_other, kernel) - cv2.erode(every_other, kernel)
    changes = (np.maximum(spread[..., 0], spread[..., 1]) > _SPREAD).astype(np.uint8)
    return cv2.resize(changes, flow.shape[1::-1], interpolation=cv2.INTER_NEAREST).view(bool)


def _choose(
    region: _Region, flow: Array, a: Array, b: Array, offsets: list[tuple[int, int]], half: int
) -> Array:
    """One pass: in a region the best of the flow at each offset, its own first; h×w×2.

    Args:
        region: Where.
        flow: Of the frame, with a margin.
        a: The frame, likewise.
        b: The other frame, with twice the margin.
        offsets: From `_offsets`.
        half: Half the side of the window.
    """
    reach = max(max(abs(dx), abs(dy)) for dx, dy in offsets)
    window = region.within(a, _MARGIN, half)
    offered = region.within(flow, _MARGIN, reach + half)
    # What pixel p + d sees with its own flow is at targets(p + d). With that flow pixel p sees what is d
    # before that: in `b` moved by d, at the same place. So no sum is needed for any offset.
    targets = offered + region.within(grid(*flow.shape[:2]), _MARGIN, reach + half)
    height, width = window.shape
    number = np.zeros_like(window)
    least: Array | None = None
    for each, (dx, dy) in enumerate(offsets):
        places = targets[reach + dy : reach + dy + height, reach + dx : reach + dx + width]
        cost = _cost(window, sample_at(b[_MARGIN - dy :, _MARGIN - dx :], places), half)
        if least is None:
            least = cost
            continue
        better = cv2.compare(cost, least, cv2.CMP_LT)
        cv2.min(cost, least, least)
        # Numbers grow, so the larger one is the later one.
        cv2.max(number, np.bitwise_and(better, np.uint8(each)), number)
    best = number[half : height - half, half : width - half] * region.doubtful
    return _taken(offered, reach + half, offsets, best)


def _taken(offered: Array, margin: int, offsets: list[tuple[int, int]], best: Array) -> Array:
    """The vectors at the offsets with the numbers `best` (H×W), of what is wider than that by a margin."""
    height, width = best.shape
    vectors = np.ascontiguousarray(offered).view(np.int64)[..., 0]  # both components at once
    wide = vectors.shape[1]
    steps = np.array([dy * wide + dx for dx, dy in offsets], np.int32)
    own = np.arange(margin * wide, (margin + height) * wide, dtype=np.int32).reshape(height, wide)
    places = own[:, margin : margin + width] + steps.take(best)
    return vectors.ravel().take(places).view(np.float32).reshape(height, width, 2)


def _cost(window: Array, moved: Array, half: int) -> Array:
    """Sum of capped absolute differences over the window of each pixel, H×W int16."""
    side = 2 * half + 1
    difference = np.minimum(cv2.absdiff(window, moved), _MOST)
    return cv2.boxFilter(difference, cv2.CV_16S, (side, side), normalize=False)


def _agreed(flow: Array, chosen: Array, regions: list[_Region]) -> Array:
    """The median of what was chosen where flow was doubtful, and `flow` elsewhere.

    Pixels chose for themselves; one that disagrees with those around it is wrong.
    """
    agreed, half = flow.copy(), _MEDIAN // 2
    for region in regions:
        planes = cv2.split(region.within(chosen, _MARGIN, half))
        median = cv2.merge([cv2.medianBlur(plane, _MEDIAN)[half:-half, half:-half] for plane in planes])
        cv2.copyTo(median, region.doubtful.view(np.uint8), region.within(agreed, 0))
    return agreed


def _widened(image: Array, margin: int) -> Array:
    return cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REPLICATE)


def _repeat_border(widened: Array, margin: int) -> None:
    """What `_widened` does, where the frame inside has changed."""
    widened[:, :margin], widened[:, -margin:] = widened[:, margin, None], widened[:, -margin - 1, None]
    widened[:margin], widened[-margin:] = widened[margin], widened[-margin - 1]


def _regions(doubtful: Array) -> Iterator[_Region]:
    """Regions that cover all that is marked."""
    for top in range(0, len(doubtful), _TILE):
        rows = doubtful[top : top + _TILE]
        for left, right in _runs(np.any(rows, axis=0)):
            yield _Region(top, left, np.ascontiguousarray(rows[:, left:right]))


def _runs(marked: Array) -> Iterator[tuple[int, int]]:
    """Start and end of each run of columns with a mark, small gaps included."""
    columns = np.flatnonzero(marked)
    if not columns.size:
        return
    ends = np.flatnonzero(np.diff(columns) > _GAP)
    starts = columns[np.concatenate(([0], ends + 1))]
    stops = columns[np.concatenate((ends, [len(columns) - 1]))] + 1
    yield from zip(starts.tolist(), stops.tolist(), strict=True)


def _offsets(radius: int) -> list[tuple[int, int]]:
    """Whole offsets, x then y, of the pixel itself and of the ring around it."""
    angles = [2 * math.pi * turn / _DIRECTIONS for turn in range(_DIRECTIONS)]
    return [(0, 0), *((round(radius * math.cos(a)), round(radius * math.sin(a))) for a in angles)]
