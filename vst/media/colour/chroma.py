"""Chroma at full resolution and back: linear interpolation, and filters that invert it exactly.

In one direction, with samples c at twice the distance of the samples u:

- **cosited** (MPEG-2, H.264 and later: each row's first chroma sample lies on the first luma sample):
  u = c there, and the mean of both neighbours between. Its inverse is the analysis filter of LeGall and
  Tabatabai's 5/3 wavelet, (−1, 2, 6, 2, −1) / 8.
- **centred** (chroma lies between two luma samples): u = ¾ of the nearer sample and ¼ of the other one.
  Its inverse is (−1, 3, 3, −1) / 4, of the biorthogonal spline wavelet 3/1 (Cohen, Daubechies & Feauveau
  1992).

So what is enlarged and reduced again is unchanged, and a frame that is reduced looks like itself where a
player enlarges chroma linearly. At the edges samples repeat. A factor of 4 is two steps of 2.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

Plane = np.ndarray[Any, np.dtype[np.float32]]


def enlarge(chroma: Plane, size: tuple[int, int], factor_x: int, factor_y: int, centred: bool) -> Plane:
    """Interpolate a plane linearly.

    Args:
        chroma: h×w.
        size: Height H and width W of the result. h and w are H and W divided by the factors, rounded up.
        factor_x: 1, 2 or 4.
        factor_y: 1, 2 or 4.
        centred: Whether samples are centred from left to right too; from top to bottom they always are.

    Returns:
        H×W, the first rows and columns of what is interpolated.
    """
    if factor_x > 2 or factor_y > 2:
        half = -(-size[0] // min(factor_y, 2)), -(-size[1] // min(factor_x, 2))
        chroma = enlarge(chroma, half, max(1, factor_x // 2), max(1, factor_y // 2), centred)
    height, width = chroma.shape
    rows = 2 * height if factor_y > 1 else height
    columns = 2 * width if factor_x > 1 and centred else width
    if (rows, columns) != (height, width):
        # OpenCV centres samples, and repeats those at the edges.
        chroma = cv2.resize(chroma, (columns, rows), interpolation=cv2.INTER_LINEAR)
    if factor_x > 1 and not centred:
        chroma = _cosited_columns(chroma)
    return chroma[: size[0], : size[1]]


def _cosited_columns(chroma: Plane) -> Plane:
    padded = cv2.copyMakeBorder(chroma, 0, 0, 0, 1, cv2.BORDER_REPLICATE)
    between = cv2.addWeighted(padded[:, :-1], 0.5, padded[:, 1:], 0.5, 0)
    return cv2.merge([chroma, between]).reshape(len(chroma), -1)


def reduce(plane: Plane, factor_x: int, factor_y: int, centred: bool) -> Plane:
    """The inverse of `enlarge`, for any plane.

    Args:
        plane: H×W. Not changed.
        factor_x: 1, 2 or 4.
        factor_y: 1, 2 or 4.
        centred: As in `enlarge`.

    Returns:
        h×w, each side divided by its factor and rounded up.
    """
    while factor_x > 1 or factor_y > 1:
        if factor_y > 1:
            plane = _halve(*_alternate_rows(plane), centred=True, axis=0)
        if factor_x > 1:
            plane = _halve(*_alternate_columns(plane, centred), centred=centred, axis=1)
        factor_x, factor_y = max(1, factor_x // 2), max(1, factor_y // 2)
    return plane


def _alternate_rows(plane: Plane) -> tuple[Plane, Plane]:
    """The even and the odd rows, equally many."""
    even, odd = plane[0::2], plane[1::2]
    if len(even) > len(odd):
        odd = np.concatenate([odd, _missing(plane, plane[:-1])[-1:]])
    return even, odd


def _alternate_columns(plane: Plane, centred: bool) -> tuple[Plane, Plane]:
    """The even and the odd columns, equally many."""
    height, width = plane.shape
    if width % 2:
        last = plane[:, -1:]
        if centred:
            last = _missing(plane.T, plane.T[:-1])[-1:].T
        plane = np.concatenate([plane, last], axis=1)
    even, odd = cv2.split(np.ascontiguousarray(plane).reshape(height, -1, 2))
    return even, odd


def _missing(plane: Plane, before: Plane) -> Plane:
    """The row after the last one, if chroma is centred: what `enlarge` would have given for it."""
    if not len(before):
        return plane[-1:]
    return 1.5 * plane[-1:] - 0.5 * before[-1:]


def _halve(even: Plane, odd: Plane, *, centred: bool, axis: int) -> Plane:
    """The inverse filter along an axis, from the samples at even and at odd positions."""
    out = cv2.addWeighted(even, 0.75, odd, 0.75 if centred else 0.25, 0.0)
    # Sample, its weight, and whether it is before or after. Those beyond the edges repeat the edge.
    if centred:
        others = ((odd, -0.25, even, True), (even, -0.25, odd, False))
    else:
        others = ((odd, 0.25, even, True), (even, -0.125, even, True), (even, -0.125, odd, False))
    first, rest, last = (slice(0, 1), slice(1, None), slice(-1, None))
    for samples, weight, edge, before in others:
        source, target, end = (slice(0, -1), rest, first) if before else (rest, slice(0, -1), last)
        if out.shape[axis] > 1:
            _add_scaled(_along(out, target, axis), _along(samples, source, axis), weight)
        _add_scaled(_along(out, end, axis), _along(edge, end, axis), weight)
    return out


def _along(plane: Plane, part: slice, axis: int) -> Plane:
    return plane[part] if axis == 0 else plane[:, part]


def _add_scaled(out: Plane, plane: Plane, weight: float) -> None:
    """out += weight · plane."""
    cv2.scaleAdd(plane, weight, out, dst=out)
