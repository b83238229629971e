"""Detection of interlaced frames in a clip that is not flagged as interlaced, by comb artefacts.

A pixel is combed if it has changed since the frame before and differs from the pixels above and below in
the same direction, by more than T, while these two are alike. Fine moving detail does that too, but within
one field as much as between the two fields. So a frame counts as interlaced if its rows are combed far more
often than the rows of one field are.
"""

from __future__ import annotations

import av
import numpy as np

from vst.media.colour.layout import layout_of
from vst.media.colour.repack import repacked

MAX_FRAMES_ANALYSED = 24
"""Frames from the start of a clip."""

MIN_INTERLACED_FRAMES = 4
"""Interlaced frames among them that make the clip interlaced."""

COMB_THRESHOLD = 0.06
"""T, with white as 1: above noise and quantisation."""

MIN_COMBED_SHARE = 0.01
"""Share of the pixels of an interlaced frame that are combed, at least."""

MIN_FIELD_RATIO = 4.0
"""How many times as many pixels are combed in a frame as in one of its fields, at least."""

MIN_ROWS = 64
"""Frames with fewer rows are not analysed."""


class CombDetector:
    """Analyses the first frames of a clip."""

    def __init__(self) -> None:
        self._seen = self._interlaced = 0
        self._before: np.ndarray | None = None

    @property
    def found(self) -> bool:
        """Whether the clip is interlaced, by the frames so far."""
        return self._interlaced >= MIN_INTERLACED_FRAMES

    def add(self, frame: av.VideoFrame) -> None:
        """Analyse the next frame, if it is one of the first."""
        if self._seen == MAX_FRAMES_ANALYSED or frame.height < MIN_ROWS:
            return
        self._seen += 1
        luma = _luma(frame)
        before, self._before = self._before, luma
        if luma is not None and before is not None and luma.shape == before.shape:
            self._interlaced += is_interlaced(luma, before)


def is_interlaced(luma: np.ndarray, before: np.ndarray) -> bool:
    """Whether the odd and even rows of a frame show two moments.

    Args:
        luma: H×W, white is 1.
        before: The frame before it, of the same size.
    """
    moved = np.abs(luma - before) > COMB_THRESHOLD
    in_field = _combed_share(luma[::2], moved[::2])
    return _combed_share(luma, moved) > max(MIN_COMBED_SHARE, MIN_FIELD_RATIO * in_field)


def _combed_share(rows: np.ndarray, moved: np.ndarray) -> float:
    above, here, below = rows[:-2], rows[1:-1], rows[2:]
    differs = (here - above) * (here - below) > COMB_THRESHOLD**2
    return float((differs & (np.abs(above - below) < COMB_THRESHOLD) & moved[1:-1]).mean())


def _luma(frame: av.VideoFrame) -> np.ndarray | None:
    """Every other column of a frame's luma, 0..1; None for other than YUV."""
    layout = layout_of(frame.format.name)
    if layout.kind != "yuv":
        return None
    plane = repacked(frame).planes[0]
    dtype = np.dtype(layout.dtype)
    rows = np.frombuffer(memoryview(plane), dtype)[: frame.height * plane.line_size // dtype.itemsize]
    samples = rows.reshape(frame.height, -1)[:, : frame.width : 2]
    return samples.astype(np.float32) / ((1 << layout.bits) - 1)
