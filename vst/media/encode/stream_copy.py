"""Streams beside the video that are copied packet by packet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import av

from vst.media.encode.time_window import TimeWindow
from vst.media.notes import Notes, dropped, repaired


class ExtraStream(Protocol):
    """One stream beside the video, on its way from the source to the output."""

    notes: Notes

    @property
    def source(self) -> av.stream.Stream:
        """The stream of the source."""
        ...

    def feed(self, packet: av.Packet) -> Iterator[av.Packet]:
        """Take a packet of the source (an empty one at the end) and give packets for the output."""
        ...


class CopiedStream:
    """An audio or subtitle stream whose packets are copied.

    Args:
        source: The stream of the source.
        output: The stream of the output.
        window: The part of the source's time that is in the output.
    """

    def __init__(self, source: av.stream.Stream, output: av.stream.Stream, window: TimeWindow) -> None:
        self.source: av.stream.Stream = source
        self.notes = Notes()
        self.output = output
        self._window = window
        self._last: int | None = None

    def feed(self, packet: av.Packet) -> Iterator[av.Packet]:
        if not packet.size:
            return
        if packet.dts is None:
            packet.dts = packet.pts
        if packet.pts is None:
            packet.pts = packet.dts
        if packet.dts is None or packet.pts is None:
            self.notes.add(dropped(f"{self._name}: packets without a timestamp are dropped"))
            return
        if packet.time_base and not self._move_into_window(packet):
            return
        if self._last is not None and packet.dts <= self._last:
            self.notes.add(
                repaired(f"{self._name}: timestamps out of order are set right after the one before")
            )
            packet.dts = self._last + 1
            packet.pts = max(packet.pts, packet.dts)
        self._last = packet.dts
        packet.stream = self.output
        yield packet

    def _move_into_window(self, packet: av.Packet) -> bool:
        """Shift a packet to the output's time, and shorten a subtitle; False if it is outside."""
        assert packet.pts is not None
        assert packet.dts is not None
        unit = packet.time_base
        if self.source.type == "subtitle" and packet.duration:
            part = self._window.clipped(packet.pts * unit, packet.duration * unit)
            if part is None:
                return False
            packet.dts += round(part[0] / unit) - packet.pts
            packet.pts, packet.duration = round(part[0] / unit), round(part[1] / unit)
        elif not self._window.contains(packet.pts * unit):
            return False
        shift = round(self._window.shift / unit)
        packet.pts -= shift
        packet.dts -= shift
        return True

    @property
    def _name(self) -> str:
        return f"{self.source.type} stream {self.source.index}"


class CoverStream:
    """A cover picture: one packet at the start.

    Args:
        source: The stream of the source.
        output: The stream of the output.
    """

    def __init__(self, source: av.stream.Stream, output: av.stream.Stream) -> None:
        self.source: av.stream.Stream = source
        self.notes = Notes()
        self._output = output
        self._written = False

    def feed(self, packet: av.Packet) -> Iterator[av.Packet]:
        if packet.size and not self._written:
            self._written = True
            packet.pts = packet.dts = 0
            packet.stream = self._output
            yield packet
