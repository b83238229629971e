"""From the times of frames to timestamps of the output."""

from __future__ import annotations

from fractions import Fraction

from vst.frame import Frame
from vst.media.encode.containers import Container
from vst.media.encode.time_window import TimeWindow
from vst.media.notes import Notes, converted, repaired
from vst.media.probe.clip_info import ClipInfo

MAX_BROADCAST_START = 60
"""Seconds. A broadcast transport stream may start anywhere within 26 hours, which no player waits for. One
that starts later than this, or before 0, where the clock wraps around, is shifted to start at 0."""

BROADCAST_CONTAINERS = ("mpegts", "mpeg")


class OutputTimestamps:
    """Timestamps in the output's time base, strictly increasing.

    Args:
        source: The clip.
        unit: The output's time base, in seconds.
        container: The output's format. If all its streams start at 0, so does the first frame, and sound
            before it is left out.
    """

    def __init__(self, source: ClipInfo, unit: Fraction, container: Container) -> None:
        self._unit = unit
        self._begin = None if container.start_times else source.start
        self._until_last_frame = False
        self._shift = _broadcast_start(source) if self._begin is None else self._begin
        self._last: int | None = None

    def set_range(self, begin: Fraction | None, until_last_frame: bool) -> None:
        """Set which part of the source is written; see `Writer.set_time_range`."""
        self._until_last_frame = until_last_frame
        if begin is not None:
            self._begin = self._shift = begin

    def end_with_last_frame(self) -> None:
        """End audio, subtitles and chapters with the last frame."""
        self._until_last_frame = True

    def resume_after(self, pts: int) -> None:
        """Continue after a frame with this timestamp."""
        self._last = pts

    def stamp(self, frame: Frame, notes: Notes) -> tuple[int, int]:
        """Timestamp and end of the next frame."""
        time = frame.time - self._shift
        pts = round(time / self._unit)
        if self._last is not None and pts <= self._last:
            pts = self._last + 1
            notes.add(
                repaired(
                    "some frames are closer together than the container's time base; "
                    "they are set one tick apart"
                )
            )
        self._last = pts
        return pts, max(pts + 1, round((time + frame.duration) / self._unit))

    def window(self, end: int, notes: Notes) -> TimeWindow:
        """The part of the source's time that is in the output.

        Args:
            end: End of the last frame, in the output's time base.
            notes: Gets a note if the times are shifted to start at 0.
        """
        if self._begin is None and self._shift:
            notes.add(converted(f"timestamps start at 0 instead of {float(self._shift):.3f} s"))
        last = end * self._unit + self._shift if self._until_last_frame else None
        return TimeWindow(self._shift, self._begin, last)


def _broadcast_start(source: ClipInfo) -> Fraction:
    """The start time that is subtracted from a broadcast stream; 0 for other files."""
    if source.container not in BROADCAST_CONTAINERS or 0 <= source.start <= MAX_BROADCAST_START:
        return Fraction(0)
    return min([source.start, *(audio.start for audio in source.audio if audio.start is not None)])
