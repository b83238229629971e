"""Timestamps of video packets, checked against their neighbours and continued where they restart."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise

import av

from vst.media.notes import Note, repaired

FORWARD = 10
"""Seconds by which a clock has to jump forward to count as restarted (as in ffmpeg). A shorter jump is a
gap."""

BACKWARD = Fraction(1, 10)
"""Seconds by which decoding times have to go back to count as restarted (as in ffmpeg)."""

MAX_REORDERING = 16
"""Packets by which decoding order and presentation order may differ."""

LOOK_AHEAD = MAX_REORDERING + 1
"""Packets that are read ahead to tell a restarted clock from a few wrong timestamps."""

CLOSE = Fraction(1, 2)
"""Seconds within which a clock that jumped twice is taken to be back at its earlier count."""


JOINT = 3
"""Packets around a restart in which damage is not counted: parsers hold packets back."""

EVIDENCE = 8
"""Packets that have to follow one before its timestamp is called wrong."""

_TS_DISCONT = 0x200
"""libav's AVFMT_TS_DISCONT."""

DEFAULT_UNIT = Fraction(1, 90_000)
"""Seconds: the time base of a stream that does not state its own."""


@dataclass(slots=True)
class ClockedPacket:
    """A video packet whose timestamps are checked.

    Attributes:
        packet: The packet, with continued timestamps; None in place of those that cannot be right.
        pts: Its presentation time as stored, in ticks, or None.
        dts: Its decoding time as stored, in ticks, or None.
        length: Its duration in ticks, at least 1.
        offset: Ticks that were added to what is stored.
        wrong: Whether what is stored cannot be right.
        at_joint: Whether the clock restarts at this packet or soon after it.
    """

    packet: av.Packet
    pts: int | None
    dts: int | None
    length: int
    offset: int = 0
    wrong: bool = False
    at_joint: bool = False

    @property
    def stored(self) -> int | None:
        """The decoding time as stored, or else the presentation time."""
        return self.dts if self.dts is not None else self.pts


def may_restart(container: av.container.InputContainer) -> bool:
    """Whether timestamps may jump in this format without meaning a pause (MPEG-TS, MPEG-PS, Ogg)."""
    return bool(container.format.flags & _TS_DISCONT)


class VideoClock:
    """Continues the timestamps of a video stream where they restart, wrap around or jump.

    Whether a packet is kept, and in which order packets come, does not change. The timestamps of a stream
    without errors do not change. A clock has restarted where decoding times go back, and, in a format whose
    clock may restart, where they jump forward. A jump forward in other formats is a pause that is meant.

    Args:
        stream: The video stream.
        discontinuous: Whether a jump forward means a restart; see `may_restart`.
    """

    def __init__(self, stream: av.VideoStream, *, discontinuous: bool) -> None:
        self.restarts = 0
        """How often the clock has restarted so far."""
        self.wrong = 0
        """Packets whose timestamps cannot be right, so far."""
        unit = stream.time_base or DEFAULT_UNIT
        # For packets that do not state how long they last.
        self._frame = max(1, round(1 / (stream.average_rate or stream.guessed_rate or 25) / unit))
        self._limits = tuple(round(limit / unit) for limit in (FORWARD, BACKWARD, CLOSE))
        self._discontinuous = discontinuous
        self._window: deque[ClockedPacket] = deque()
        self._last: ClockedPacket | None = None
        self._end: int | None = None
        self._offset = self._earlier_offset = 0

    def packets(self, packets: Iterable[av.Packet]) -> Iterator[ClockedPacket]:
        """The packets with continued timestamps."""
        for packet in packets:
            yield from self.push(packet)
        yield from self.flush()

    def push(self, packet: av.Packet) -> list[ClockedPacket]:
        """Take the next packet, and give those whose timestamps are decided."""
        length = packet.duration if packet.duration and packet.duration > 0 else self._frame
        self._window.append(ClockedPacket(packet, packet.pts, packet.dts, length))
        return [self._decide()] if len(self._window) > LOOK_AHEAD else []

    def flush(self) -> list[ClockedPacket]:
        """Give the remaining packets at the end of the stream."""
        return [self._decide() for _ in range(len(self._window))]

    @property
    def notes(self) -> list[Note]:
        """What a user should know, so far."""
        notes = []
        if self.restarts:
            times = "once" if self.restarts == 1 else f"{self.restarts} times"
            notes.append(
                repaired(f"the timestamps restart or jump {times}; the parts are set one after the other")
            )
        if self.wrong:
            stamps = "1 timestamp" if self.wrong == 1 else f"{self.wrong} timestamps"
            notes.append(repaired(f"{stamps} cannot be right; the times are computed from the frame rate"))
        return notes

    def _decide(self) -> ClockedPacket:
        item = self._window.popleft()
        if not item.wrong and self._has_jumped(self._last, item):
            run = self._wrong_run(item)
            if run:
                for each in (item, *islice(self._window, run - 1)):
                    each.wrong = True
            elif self._discontinuous or self._delta(self._last, item) < 0:
                self._restart(item)
        self._apply(item)
        coming = pairwise([item, *islice(self._window, JOINT)])
        item.at_joint = item.at_joint or any(self._has_jumped(*each) for each in coming)
        return item

    def _delta(self, last: ClockedPacket | None, item: ClockedPacket) -> int:
        """Ticks by which an item is later than the end of the one before; 0 if that is unknown."""
        if last is None:
            return 0
        if last.dts is not None and item.dts is not None:
            return item.dts - last.dts - last.length
        if last.pts is None or item.pts is None or item.dts is not None:
            return 0
        # Presentation times alone go back and forth within the limits of reordering.
        return min(0, item.pts - last.pts + MAX_REORDERING * max(last.length, self._frame))

    def _has_jumped(self, last: ClockedPacket | None, item: ClockedPacket) -> bool:
        forward, backward, _ = self._limits
        delta = self._delta(last, item)
        back = delta + (last.length if last is not None and item.dts is not None else 0)
        return delta > forward or back < -backward

    def _wrong_run(self, item: ClockedPacket) -> int:
        """How many packets from this one on have wrong timestamps; 0 if the clock does not come back."""
        last = self._last
        if last is None or last.dts is None or item.dts is None:
            return 0
        expected = last.dts + last.length
        tolerance = min(self._limits[2], abs(item.dts - expected) // 4)
        for place, later in enumerate(islice(self._window, MAX_REORDERING), 1):
            expected += self._frame
            if later.dts is not None and abs(later.dts - expected) <= tolerance:
                return place
        return 0

    def _restart(self, item: ClockedPacket) -> None:
        """Continue with the first frame of the new count right after the end of the old one.

        Between keyframes, where the frames of both may be mixed, decoding times continue instead.
        """
        forward, _, close = self._limits
        start, last = item.stored, self._last
        assert start is not None
        assert last is not None
        count = [item, *islice(self._window, MAX_REORDERING)]
        shown = [each.pts for each in count if each.pts is not None and abs(each.pts - start) < forward]
        first = min(shown, default=start)
        end = self._end if self._end is not None else first
        offset = end - first
        if not item.packet.is_keyframe and last.dts is not None and item.dts is not None:
            offset = last.dts + last.offset + last.length - item.dts
        if -2 * item.length <= first + self._earlier_offset - end <= close:
            offset = self._earlier_offset
        self._earlier_offset, self._offset = self._offset, offset
        self.restarts += 1
        item.at_joint = True

    def _apply(self, item: ClockedPacket) -> None:
        packet = item.packet
        if item.wrong:
            packet.pts = packet.dts = None
            self.wrong += 1
            if self._last is not None and self._last.dts is not None:
                # The count goes on for as long as these packets last.
                before = self._last.dts + self._last.length
                self._last = ClockedPacket(packet, None, before, self._frame)
            return
        self._last, item.offset = item, self._offset
        if item.offset:
            packet.pts = None if item.pts is None else item.pts + item.offset
            packet.dts = None if item.dts is None else item.dts + item.offset
        if self._is_far_from_decoding(item):
            packet.pts = None
            self.wrong += 1
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is not None:
            self._end = max(stamp + item.length, stamp if self._end is None else self._end)

    def _is_far_from_decoding(self, item: ClockedPacket) -> bool:
        """Whether a presentation time is further from its decoding time than reordering explains."""
        if item.pts is None or item.dts is None:
            return False
        longest = max(item.length, self._frame, *(each.length for each in self._window))
        limit = max(self._limits[0], LOOK_AHEAD * longest)
        if item.pts < item.dts - limit:
            return True
        if item.pts <= item.dts + limit or len(self._window) < EVIDENCE:
            return False
        # After a pause the times of other packets catch up soon.
        later = [stamp for each in self._window for stamp in (each.pts, each.dts) if stamp is not None]
        return max(later, default=item.pts) < item.pts - limit
