"""Interlaced frames into whole pictures, by libavfilter's bwdif."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction

import av
import av.filter

from vst.media.decode.repack import repacked

DEINTERLACE = ("no", "frames", "fields")
"""As it is; one picture a frame; one picture a field, so twice the frame rate."""

FILTER = "bwdif"
"""Bob Weaver Deinterlacing Filter: w3fdif's filter with yadif's decision where things move."""

_BOTTOM_FIRST = (3, 5)
"""Those of libav's field orders."""


class Deinterlacer:
    """Takes frames in order of presentation, gives whole pictures, later than it takes them.

    Args:
        fields: A picture a field instead of one a frame.
        time_base: Unit of the frames' timestamps. That of the pictures is half of it.
        field_order: What the container says, as libav's code point.
        marked: The frames themselves say which of them are interlaced; otherwise all are taken for it.
    """

    def __init__(self, *, fields: bool, time_base: Fraction, field_order: int, marked: bool) -> None:
        self._fields, self._time_base = fields, time_base
        parity = "auto" if marked else "bff" if field_order in _BOTTOM_FIRST else "tff"
        deint = "interlaced" if marked else "all"
        mode = "send_field" if fields else "send_frame"
        self._arguments = f"mode={mode}:parity={parity}:deint={deint}"
        self._graph: av.filter.Graph | None = None
        self._form: tuple[int, int, str] | None = None
        self._lost: deque[list[int]] = deque()

    def feed(self, frame: av.VideoFrame, lost: list[int]) -> Iterator[tuple[av.VideoFrame, list[int]]]:
        """Take a frame with the times of those that are missing before it; give what is ready.

        The times of what comes out, lost ones too, are in halves of the time base.
        """
        frame = repacked(frame)
        form = (frame.width, frame.height, frame.format.name)
        if form != self._form:
            yield from self.drain()
            self._start(form)
        length = frame.duration or 0
        again = [2 * pts + length for pts in lost] if self._fields and length else []
        self._lost.append(sorted([2 * pts for pts in lost] + again))
        if self._fields:
            self._lost.append([])
        assert self._graph is not None
        frame.time_base = self._time_base
        self._graph.vpush(frame)
        yield from self._ready()

    def drain(self) -> Iterator[tuple[av.VideoFrame, list[int]]]:
        """Give what is left, at the end of the clip."""
        if self._graph is not None:
            self._graph.vpush(None)
            yield from self._ready()
            self._graph = self._form = None
            self._lost.clear()

    def _start(self, form: tuple[int, int, str]) -> None:
        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=form[0], height=form[1], format=av.VideoFormat(form[2]), time_base=self._time_base
        )
        weave = graph.add(FILTER, self._arguments)
        sink = graph.add("buffersink")
        source.link_to(weave)
        weave.link_to(sink)
        graph.configure()
        self._graph, self._form = graph, form

    def _ready(self) -> Iterator[tuple[av.VideoFrame, list[int]]]:
        assert self._graph is not None
        while True:
            try:
                picture = self._graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return
            if picture.pts is not None and picture.time_base:
                picture.pts = round(picture.pts * picture.time_base / (self._time_base / 2))
            if picture.duration and not self._fields:
                picture.duration *= 2
            yield picture, self._lost.popleft() if self._lost else []
