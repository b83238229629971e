"""The display window and the data window of OpenEXR files.

A frame of a clip is the *canvas*: the display window, or, if the output is OpenEXR, the smallest box around
it and all data windows, so that overscan is stylized and written too. Boxes of a canvas are relative to the
display window's corner, because files of a sequence may differ in where that is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np


class Box(NamedTuple):
    """A rectangle of pixels."""

    left: int
    top: int
    width: int
    height: int

    def relative_to(self, corner: Box) -> Box:
        """The same rectangle, counted from the corner of another."""
        return self._replace(left=self.left - corner.left, top=self.top - corner.top)

    def union(self, other: Box) -> Box:
        """The smallest rectangle around both."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        right = max(self.left + self.width, other.left + other.width)
        bottom = max(self.top + self.height, other.top + other.height)
        return Box(left, top, right - left, bottom - top)

    def contains(self, other: Box) -> bool:
        """Whether the other rectangle lies within this one."""
        return self.union(other) == self


def box_of(window: tuple[Any, Any]) -> Box:
    """The rectangle of a window of the OpenEXR library: its first and last pixel."""
    (left, top), (right, bottom) = (tuple(int(v) for v in corner) for corner in window)
    return Box(left, top, right - left + 1, bottom - top + 1)


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of one file.

    Attributes:
        display: The display window, which is the frame.
        data: The data window: the pixels that are stored.
    """

    display: Box
    data: Box

    @property
    def frame(self) -> Box:
        """The canvas of a frame without overscan."""
        return Box(0, 0, self.display.width, self.display.height)

    @property
    def stored(self) -> Box:
        """The data window, relative to the display window."""
        return self.data.relative_to(self.display)

    @property
    def whole(self) -> Box:
        """The canvas of a frame with its overscan."""
        return self.frame.union(self.stored)


def placed(stored: np.ndarray, data: Box, canvas: Box) -> np.ndarray:
    """Samples C×H×W of the data window on the canvas; black and transparent where there are none."""
    if data == canvas:
        return stored
    whole = np.zeros((stored.shape[0], canvas.height, canvas.width), np.float32)
    left, top = data.left - canvas.left, data.top - canvas.top
    first_x, first_y = max(left, 0), max(top, 0)
    last_x, last_y = min(left + data.width, canvas.width), min(top + data.height, canvas.height)
    if first_x < last_x and first_y < last_y:
        whole[:, first_y:last_y, first_x:last_x] = stored[
            :, first_y - top : last_y - top, first_x - left : last_x - left
        ]
    return whole


class Placement(NamedTuple):
    """Which part of a canvas a file stores, and where its windows are.

    Attributes:
        rows: Rows of the canvas that are stored.
        columns: Columns of the canvas that are stored.
        attributes: The windows, for the header.
    """

    rows: slice
    columns: slice
    attributes: dict[str, Any]


def placement(windows: Windows, canvas: Box, width: int, height: int) -> Placement:
    """Where the windows of a file are in an output whose canvas was resized.

    Args:
        windows: Of the file.
        canvas: The canvas of the clip.
        width: Columns of the output's canvas.
        height: Rows of the output's canvas.
    """
    stored, display = windows.stored, windows.display
    columns, x, shown_x = _along(
        stored.left - canvas.left,
        stored.width,
        canvas.left,
        canvas.width,
        width,
        display.left,
        display.width,
    )
    rows, y, shown_y = _along(
        stored.top - canvas.top,
        stored.height,
        canvas.top,
        canvas.height,
        height,
        display.top,
        display.height,
    )
    data_window = (np.array([x[0], y[0]], "i4"), np.array([x[1], y[1]], "i4"))
    display_window = (np.array([shown_x[0], shown_y[0]], "i4"), np.array([shown_x[1], shown_y[1]], "i4"))
    return Placement(rows, columns, {"dataWindow": data_window, "displayWindow": display_window})


def _along(
    start: int, length: int, offset: int, side: int, scaled: int, corner: int, shown: int
) -> tuple[slice, tuple[int, int], tuple[int, int]]:
    """One axis of `placement`: the stored part of the canvas, then first and last pixel of the data window
    and of the display window."""
    factor = scaled / side
    first = min(max(math.floor(start * factor), 0), scaled - 1)
    stop = min(max(math.ceil((start + length) * factor), first + 1), scaled)
    corner = round(corner * factor)
    origin = corner + round(offset * factor)
    return (
        slice(first, stop),
        (origin + first, origin + stop - 1),
        (corner, corner + round(shown * factor) - 1),
    )
