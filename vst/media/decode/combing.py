"""Whether frames are woven of two fields though nothing says so: by the combs that movement leaves.

A pixel is combed where it has changed since the frame before and differs from the rows above and below in
the same direction, by more than T, and these two are alike. Fine detail that moves does that too, but
within one field as much as between two: so a frame counts as woven if its rows are combed far more often
than every second of them are.
"""

from __future__ import annotations

import av
import numpy as np

from vst.media.colour.layout import layout_of
from vst.media.decode.repack import repacked

LOOKED_AT = 24
"""Frames from the beginning of a clip."""

ENOUGH = 4
"""So many woven ones of them make a clip woven."""

THRESHOLD = 0.06
"""T, with white as 1: above what noise and quantisation do."""

LEAST = 0.01
"""Of the pixels, that are combed in a woven frame."""

TIMES = 4.0
"""So many times as often as within a field."""

SMALLEST = 64
"""Rows: lower pictures are not of a camera that had fields."""


class CombFinder:
    """Looks at the first frames of a clip."""

    def __init__(self) -> None:
        self._seen = self._woven = 0
        self._before: np.ndarray | None = None

    @property
    def found(self) -> bool:
        """Whether the clip is woven, as far as it has been looked at."""
        return self._woven >= ENOUGH

    def look(self, frame: av.VideoFrame) -> None:
        """Look at the next frame, if it is one of the first."""
        if self._seen == LOOKED_AT or frame.height < SMALLEST:
            return
        self._seen += 1
        luma = _luma(frame)
        before, self._before = self._before, luma
        if luma is not None and before is not None and luma.shape == before.shape:
            self._woven += is_woven(luma, before)


def is_woven(luma: np.ndarray, before: np.ndarray) -> bool:
    """Whether a picture shows two moments in its odd and even rows.

    Args:
        luma: H×W, white is 1.
        before: The picture before it, of the same size.
    """
    moved = np.abs(luma - before) > THRESHOLD
    return _combed(luma, moved) > max(LEAST, TIMES * _combed(luma[::2], moved[::2]))


def _combed(rows: np.ndarray, moved: np.ndarray) -> float:
    """The part of the pixels that are combed."""
    above, here, below = rows[:-2], rows[1:-1], rows[2:]
    differs = (here - above) * (here - below) > THRESHOLD**2
    return float((differs & (np.abs(above - below) < THRESHOLD) & moved[1:-1]).mean())


def _luma(frame: av.VideoFrame) -> np.ndarray | None:
    """Every other column of a frame's luma, 0..1; None where it has none of its own."""
    layout = layout_of(frame.format.name)
    if layout.kind != "yuv":
        return None
    plane = repacked(frame).planes[0]
    dtype = np.dtype(layout.dtype)
    rows = np.frombuffer(memoryview(plane), dtype)[: frame.height * plane.line_size // dtype.itemsize]
    samples = rows.reshape(frame.height, -1)[:, : frame.width : 2]
    return samples.astype(np.float32) / ((1 << layout.bits) - 1)
