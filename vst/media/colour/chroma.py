"""Chroma at full resolution, and back.

A chroma sample is the mean of a block of pixels. In the block, chroma is a plane through that mean. Its
slope from left to right, and from top to bottom, is the smaller one of the differences from both
neighbours, and 0 where they differ in sign (the limiter "minmod" of finite-volume methods; van Leer 1979).
So

- the mean over each block is the sample: what is enlarged and reduced again is unchanged, whatever is done
  to the pixels of other blocks;
- flat chroma stays flat: none runs from the picture into black bars;
- enlarging has no preferred direction, so a rotated frame is exact as well.

Linear interpolation has none of the three. Both take the place of chroma samples to be the middle of their
block from left to right too. In MPEG-2, H.264 and later it is half a pixel further to the left; as this is
left out in both directions, samples stay where they are.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

Plane = np.ndarray[Any, np.dtype[np.float32]]


def enlarge(chroma: Plane, size: tuple[int, int], factor_x: int, factor_y: int) -> Plane:
    """Chroma of each pixel.

    Args:
        chroma: h×w.
        size: Height H and width W in pixels; h and w are H and W divided by the factors, rounded up.
        factor_x: Columns that share a sample.
        factor_y: Rows that share a sample.

    Returns:
        H×W.
    """
    if factor_x == factor_y == 1:
        return chroma
    height, width = chroma.shape
    full = np.empty((height, factor_y, width, factor_x), np.float32)
    across = _slopes(chroma, 1) if factor_x > 1 else None
    down = _slopes(chroma, 0) if factor_y > 1 else None
    for row, y in enumerate(_offsets(factor_y)):
        line = chroma if down is None else cv2.scaleAdd(down, y, chroma)
        if across is None:
            full[:, row, :, 0] = line
        else:
            full[:, row] = cv2.merge([cv2.scaleAdd(across, x, line) for x in _offsets(factor_x)])
    return full.reshape(height * factor_y, width * factor_x)[: size[0], : size[1]]


def _offsets(factor: int) -> list[float]:
    """Where the pixels of a block are, in blocks from its middle."""
    return [(i + 0.5) / factor - 0.5 for i in range(factor)]


def _slopes(chroma: Plane, axis: int) -> Plane:
    """The slope in each block; 0 at the edges, so that parts of blocks have the same mean."""
    slopes = np.zeros(chroma.shape, np.float32)
    if chroma.shape[axis] < 3:
        return slopes
    # OpenCV takes a third of numpy's time here.
    if axis == 0:
        difference = cv2.subtract(chroma[1:], chroma[:-1])
        before, after, inner = difference[:-1], difference[1:], slopes[1:-1]
    else:
        difference = cv2.subtract(chroma[:, 1:], chroma[:, :-1])
        before, after, inner = difference[:, :-1], difference[:, 1:], slopes[:, 1:-1]
    _, rising = cv2.threshold(cv2.min(before, after), 0.0, 0.0, cv2.THRESH_TOZERO)
    _, falling = cv2.threshold(cv2.max(before, after), 0.0, 0.0, cv2.THRESH_TRUNC)
    inner[:] = cv2.add(rising, falling)
    return slopes


def reduce(plane: Plane, factor_x: int, factor_y: int) -> Plane:
    """Means over blocks; for a block at the edge, over the part inside.

    Args:
        plane: H×W.
        factor_x: Columns of a block.
        factor_y: Rows of a block.

    Returns:
        h×w, the sides divided by their factors and rounded up.
    """
    if factor_x == factor_y == 1:
        return plane
    for axis, factor in enumerate((factor_y, factor_x)):
        over = plane.shape[axis] % factor
        if over:
            last = plane[-over:] if axis == 0 else plane[:, -over:]
            mean = last.mean(axis, keepdims=True, dtype=np.float32)
            plane = np.concatenate([plane, np.repeat(mean, factor - over, axis)], axis)
    size = plane.shape[1] // factor_x, plane.shape[0] // factor_y
    means: Plane = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return means
