"""Deinterlacing by libavfilter's bwdif."""

from __future__ import annotations

from collections.abc import Iterator

import av
import av.filter

from vst.media.colour.repack import repacked
from vst.media.probe.clip_info import ClipInfo

DEINTERLACE = ("no", "frames", "fields")
"""Values of ``--deinterlace``: none, one picture per frame, or one per field (twice the frame rate)."""

FILTER = "bwdif"
"""Bob Weaver Deinterlacing Filter: w3fdif's interpolation with yadif's motion detection."""

_BOTTOM_FIRST = (3, 5)
"""Values of libav's AVFieldOrder."""


class Deinterlacer:
    """Takes frames in presentation order and gives progressive pictures, with a delay.

    If the frames are flagged, those flagged as interlaced are deinterlaced; otherwise all are.

    Args:
        clip: The clip as stored.
        fields: Whether to give one picture per field instead of one per frame.
    """

    def __init__(self, clip: ClipInfo, *, fields: bool) -> None:
        self._fields, self._time_base = fields, clip.time_base
        flagged = clip.fields.flagged
        parity = "auto" if flagged else "bff" if clip.fields.order in _BOTTOM_FIRST else "tff"
        deint = "interlaced" if flagged else "all"
        mode = "send_field" if fields else "send_frame"
        self._arguments = f"mode={mode}:parity={parity}:deint={deint}"
        self._graph: av.filter.Graph | None = None
        self._form: tuple[int, int, str] | None = None
        self._lost: list[int] = []

    def feed(self, frame: av.VideoFrame, lost: list[int]) -> Iterator[tuple[av.VideoFrame, list[int]]]:
        """Take a frame with the timestamps lost before it, and give the pictures that are ready.

        The timestamps of the pictures, and those lost before them, are in halves of the time base.
        """
        frame = repacked(frame)
        form = (frame.width, frame.height, frame.format.name)
        if form != self._form:
            yield from self.drain()
            self._start(form)
        length = frame.duration or 0
        second_fields = [2 * pts + length for pts in lost] if self._fields and length else []
        self._lost += sorted([2 * pts for pts in lost] + second_fields)
        assert self._graph is not None
        frame.time_base = self._time_base
        self._graph.vpush(frame)
        yield from self._ready()

    def drain(self) -> Iterator[tuple[av.VideoFrame, list[int]]]:
        """Give the remaining pictures at the end of the clip."""
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
        deinterlace = graph.add(FILTER, self._arguments)
        sink = graph.add("buffersink")
        source.link_to(deinterlace)
        deinterlace.link_to(sink)
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
            # A progressive frame gives one picture, even where each field gives one.
            before = sum(picture.pts is not None and pts < picture.pts for pts in self._lost)
            lost, self._lost = self._lost[:before], self._lost[before:]
            yield picture, lost
