"""Which frames are lost, and the times of those that a decoder returns, in the order in which it does."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from fractions import Fraction

import av

from vst.media.notes import Notes, repaired

MAX_WAITING = 256
"""Packets that may wait for their frame. No decoder holds more, so the frames of older ones are lost."""


class FrameOrder:
    """Matches packets and frames by their timestamps.

    Timestamps in order of presentation tell which frames are lost: those that should be there before the
    one that is. In some files they are in decoding order (AVI stores no others), and the decoder's order is
    the only one that is right: its frames get the timestamps of the packets, the smallest first. This is
    also what happens from the first frame on that contradicts its timestamp.

    Args:
        context: The decoder.
        in_decoding_order: Whether the timestamps are known to be in decoding order.
        notes: Gets a note if that turns out later.
    """

    def __init__(self, context: av.VideoCodecContext, in_decoding_order: bool, notes: Notes) -> None:
        self.in_decoding_order = in_decoding_order
        self._context = context
        self._notes = notes
        self._fed: list[int] = []
        """Timestamps of the packets without a frame, in decoding order."""
        self._sorted: list[int] = []
        """The same, sorted."""
        self._replaced: list[int] = []
        self._filled: set[int] = set()
        """The replaced frames that may still come when the order turns out to be the decoder's."""
        self._failures = 0

    def feed(self, packet: av.Packet) -> None:
        """Take a packet that is about to be decoded."""
        if packet.pts is None:
            return
        self._fed.append(packet.pts)
        insort(self._sorted, packet.pts)
        if len(self._fed) > MAX_WAITING:
            self._sorted.remove(self._fed.pop(0))

    def fail(self) -> None:
        """A packet could not be decoded."""
        self._failures += 1

    def take(self, frame: av.VideoFrame) -> list[int] | None:
        """The timestamps lost before the next frame; None if it was among those and comes too late.

        In decoding order the frame's own timestamp is set.
        """
        if self.in_decoding_order:
            return None if frame.pts in self._filled else self._take_next(frame)
        if frame.pts is None:
            return []
        if frame.pts in self._replaced:
            if not self._failures:
                self.in_decoding_order = True
                self._filled = set(self._replaced)
                self._notes.add(
                    repaired(
                        "the timestamps contradict the order of the frames; the decoder's order is kept"
                    )
                )
            return None
        place = bisect_left(self._sorted, frame.pts)
        lost = self._sorted[:place]
        del self._sorted[: bisect_right(self._sorted, frame.pts)]
        left = set(self._sorted)
        self._fed = [pts for pts in self._fed if pts in left]
        return lost

    def replace(self, lost: list[int]) -> None:
        """Other frames are shown in place of those with these timestamps."""
        self._replaced = [*self._replaced, *lost][-MAX_WAITING:]

    @property
    def next(self) -> int | None:
        """The smallest timestamp that is known of the frames to come."""
        return self._sorted[0] if self._sorted else None

    @property
    def rest(self) -> list[int]:
        """The timestamps without a frame, sorted."""
        return self._sorted

    def _take_next(self, frame: av.VideoFrame) -> list[int]:
        lost = []
        if frame.pts in self._fed:
            place = self._fed.index(frame.pts)
            del self._fed[place]
            # As many frames as the decoder reorders may still come after one that was decoded later.
            missing = max(place - self._context.reorder_depth, min(place, self._failures))
            if frame.key_frame:
                missing = place
            self._failures = max(0, self._failures - missing)
            del self._fed[:missing]
            lost = [self._sorted.pop(0) for _ in range(missing)]
        elif self._fed:
            del self._fed[0]
        frame.pts = self._sorted.pop(0) if self._sorted else None
        return lost


class FrameTimes:
    """Strictly increasing timestamps of frames; a good one does not change.

    Args:
        start: For a first frame without a timestamp, in ticks.
        step: The duration of a frame in ticks, by the average rate.
        notes: Gets a note where a timestamp is computed.
    """

    def __init__(self, start: Fraction, step: Fraction, notes: Notes) -> None:
        self._start, self._step, self._notes = start, step, notes
        self._last: int | None = None
        self._exact = start

    def settle(self, frame: av.VideoFrame, following: int | None) -> None:
        """Give the next frame a timestamp, if it has none or one that is not after the last one's.

        Args:
            frame: The frame.
            following: The smallest timestamp that is known of the frames to come.
        """
        last, stamp = self._last, frame.pts
        if stamp is None and frame.dts is not None and (following is None or frame.dts < following):
            stamp = frame.dts
        if stamp is not None and (last is None or stamp > last):
            self.passed(stamp)
            frame.pts = stamp
            return
        if frame.pts is None:
            self._notes.add(repaired("some frames have no timestamp; it is computed from the frame rate"))
        else:
            self._notes.add(
                repaired("some timestamps are out of order; they are computed from the frame rate")
            )
        exact = self._start if last is None else self._exact + self._step
        if last is not None and following is not None and last < following <= exact:
            exact = Fraction(last + following, 2)
        frame.pts = round(exact) if last is None else max(last + 1, round(exact))
        self._last, self._exact = frame.pts, max(exact, Fraction(frame.pts) - Fraction(1, 2))

    def passed(self, stamp: int) -> None:
        """A frame with this timestamp is shown."""
        if self._last is None or stamp > self._last:
            self._last, self._exact = stamp, Fraction(stamp)
