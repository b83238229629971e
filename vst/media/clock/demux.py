"""The packets beside the video, with timestamps that are continued together with the video's."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av

from vst.media.clock.video_clock import (
    BACKWARD,
    DEFAULT_UNIT,
    FORWARD,
    ClockedPacket,
    VideoClock,
    may_restart,
)
from vst.media.libav import packets_of

MAX_HELD = 5000
"""Packets that wait for the next video packet, in a file that is not interleaved."""


@dataclass(frozen=True, slots=True)
class _Anchor:
    """The clock of the video at a place in the file: its stored time, and what is added; in seconds."""

    stored: Fraction
    offset: Fraction


class _StreamClock:
    """Continues the timestamps of one stream where its clock restarts, in step with the video's.

    Where a stream's clock jumps to where the video's is, it gets the video's offset, so that both stay
    together; a part that is missing stays missing. A jump to elsewhere is its own and is closed.
    """

    def __init__(self, stream: av.stream.Stream, discontinuous: bool) -> None:
        self._is_audio = stream.type == "audio"
        self._discontinuous = discontinuous
        self._offset = Fraction(0)
        self._last = self._end = Fraction(0)
        self._any = False
        self._video_offset = Fraction(0)
        self._joint: Fraction | None = None
        """Where the part before the last restart ends."""

    def mend(self, packet: av.Packet, anchors: Sequence[_Anchor]) -> bool:
        """Continue the timestamps of the next packet.

        Args:
            packet: The packet.
            anchors: The video's clock before the packet and after it in the file.

        Returns:
            Whether the packet is kept. Where two parts of a recording are joined, their sound may overlap
            by less than a packet or two; what is heard already when the second part begins is left out.
        """
        stamp = packet.dts if packet.dts is not None else packet.pts
        if stamp is None or not packet.time_base:
            return True
        time = stamp * packet.time_base
        if self._any and self._has_jumped(time, anchors):
            self._joint = self._end + self._offset
            near = min(anchors, key=lambda each: abs(each.stored - time), default=None)
            # Back in time while the video goes on: the clock is wrong, whatever is near.
            alone = near is not None and near.offset == self._video_offset and time < self._last
            if near is not None and abs(near.stored - time) <= FORWARD and not alone:
                self._offset = near.offset
            elif self._is_audio:
                # Subtitles may be far apart, or not in order.
                self._offset += self._end - time
        self._any = True
        self._last = time
        length = (packet.duration or 0) * packet.time_base
        self._end = time + length
        if anchors:
            self._video_offset = anchors[0].offset
        if self._offset:
            ticks = round(self._offset / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
        is_heard = self._joint is not None and time + self._offset + length / 2 < self._joint
        return not (is_heard and self._is_audio)

    def _has_jumped(self, time: Fraction, anchors: Sequence[_Anchor]) -> bool:
        # Where the video's clock has restarted, a smaller jump is the same restart.
        together = any(each.offset != self._video_offset for each in anchors)
        scale = Fraction(1, 2) if together else Fraction(1)
        if time < self._last - BACKWARD * scale:
            return True
        return self._discontinuous and time - self._end > FORWARD * scale


def continued_packets(
    container: av.container.InputContainer,
    video: av.VideoStream,
    streams: Sequence[av.stream.Stream],
    *,
    video_too: bool = False,
) -> Iterator[av.Packet]:
    """The packets of some streams beside the video in file order, with continued timestamps.

    The empty packet at the end of each stream is included. The video is read along, because its clock is
    the one that the others follow.

    Args:
        container: The file.
        video: Its video stream.
        streams: The other streams.
        video_too: Whether the packets of the video are included, for those who go by its time.

    Raises:
        av.FFmpegError: If reading fails.
    """
    unit = video.time_base or DEFAULT_UNIT
    discontinuous = may_restart(container)
    clock = VideoClock(video, discontinuous=discontinuous)
    clocks = {stream.index: _StreamClock(stream, discontinuous) for stream in streams}
    held: deque[av.Packet | None] = deque()  # None stands for a packet of the video
    decided: deque[ClockedPacket] = deque()
    before: list[_Anchor] = []

    def ready(*, overflow: bool = False) -> Iterator[av.Packet]:
        """The held packets with a decided video packet behind them."""
        nonlocal before
        while held and (decided or overflow):
            packet = held.popleft()
            if packet is None:
                item = decided.popleft()
                before = _anchor(item, unit) or before
                if video_too:
                    yield item.packet
                continue
            after = _anchor(decided[0], unit) if decided else []
            if clocks[packet.stream.index].mend(packet, [*before, *after]):
                yield packet

    for packet in packets_of(container, [video, *streams]):
        if packet.stream.index != video.index:
            held.append(packet)
        elif packet.size:
            held.append(None)
            decided.extend(clock.push(packet))
        if len(held) > MAX_HELD:
            decided.extend(clock.flush())
            yield from ready(overflow=True)
        else:
            yield from ready()
    decided.extend(clock.flush())
    yield from ready(overflow=True)


def _anchor(item: ClockedPacket, unit: Fraction) -> list[_Anchor]:
    """The video's clock at a packet; empty if the packet does not tell it."""
    if item.wrong or item.stored is None:
        return []
    return [_Anchor(item.stored * unit, item.offset * unit)]
