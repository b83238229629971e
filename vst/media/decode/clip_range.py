"""The part of a clip that is selected by ``--start``, ``--end`` and ``--frames``, in times or frame
numbers.

A range is half-open: it ends before the frame at `end`, so consecutive ranges share no frame and leave none
out. Times count from the clip's first frame, as in a player. Frame numbers count from 0; those of an image
sequence are the numbers of its files.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from vst.errors import UsageError
from vst.media.probe.clip_info import ClipInfo

TIME_TOLERANCE = Fraction(1, 2000)
"""Seconds by which a given time may be later than its frame: times are rounded to milliseconds."""

MAX_FRAME_NUMBER = 10**9

_DIGITS = r"\d{1,9}(?:\.\d{1,9})?"
_NUMBER = re.compile(r"(\d{1,9})\s*f(?:rames?)?", re.IGNORECASE)
_SECONDS = re.compile(rf"({_DIGITS})\s*s?", re.IGNORECASE)
_CLOCK = re.compile(rf"(?:(\d{{1,6}}):)?(\d{{1,2}}):({_DIGITS})")

PositionLike = str | int | float | Fraction
"""What `parse_position` accepts."""


@dataclass(frozen=True, slots=True)
class Position:
    """A time or a frame in a clip.

    Attributes:
        text: The text that the user gave.
        seconds: Seconds after the first frame; None for a frame number.
        number: Frame number; None for a time.
    """

    text: str
    seconds: Fraction | None = None
    number: int | None = None

    def reached(self, index: int, time: Fraction, clip: ClipInfo) -> bool:
        """Whether a frame is at this position or after it.

        Args:
            index: Index of the frame, from 0.
            time: Time of the frame in seconds, as stored in the container.
            clip: The clip.
        """
        if self.number is None:
            assert self.seconds is not None
            return time - clip.start > self.seconds - TIME_TOLERANCE
        return (clip.sequence.numbers[index] if clip.sequence else index) >= self.number

    def index_in(self, clip: ClipInfo) -> int | None:
        """How many frames of a clip are before this position; None for a time."""
        if self.number is None or clip.sequence is None:
            return self.number
        return sum(each < self.number for each in clip.sequence.numbers)


@dataclass(frozen=True, slots=True)
class ClipRange:
    """A part of a clip.

    Attributes:
        start: The first frame; None for the clip's first.
        end: The frame after the last one; None for the clip's end.
        frames: Number of frames; None for all.
    """

    start: Position | None = None
    end: Position | None = None
    frames: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole clip."""
        return self.start is None and self.end is None and self.frames is None

    @property
    def has_end(self) -> bool:
        """Whether it may end before the clip does."""
        return self.end is not None or self.frames is not None

    def expected_start(self, clip: ClipInfo) -> tuple[int, Fraction]:
        """About where the first frame is: its index and its time, without decoding those before it."""
        if self.start is None or not clip.average_rate:
            return 0, clip.start
        if self.start.seconds is not None:
            return math.floor(self.start.seconds * clip.average_rate), clip.start + self.start.seconds
        first = self.start.index_in(clip)
        assert first is not None
        return first, clip.start + first / clip.average_rate

    def count(self, first: int, time: Fraction, clip: ClipInfo) -> int | None:
        """The number of frames, as stated by the container; None if unknown.

        Args:
            first: Index of the first frame.
            time: Its time in seconds, as stored in the container.
            clip: The clip.
        """
        found = [] if self.frames is None else [self.frames]
        if clip.frames is not None:
            found.append(max(clip.frames - first, 0))
        inside = None if self.end is None else self.end.index_in(clip)
        if inside is not None:
            found.append(max(inside - first, 0))
        elif self.end is not None and self.end.seconds is not None and clip.average_rate:
            left = self.end.seconds - (time - clip.start)
            found.append(max(math.ceil((left - TIME_TOLERANCE) * clip.average_rate), 0))
        return min(found, default=None)


def parse_range(start: PositionLike | None, end: PositionLike | None, frames: int | None) -> ClipRange:
    """The range for the values of ``--start``, ``--end`` and ``--frames``.

    Raises:
        UsageError: For invalid positions, an end that is not after the start, fewer than one frame, or both
            an end and a number of frames.
    """
    first = None if start is None else parse_position(start, "--start")
    last = None if end is None else parse_position(end, "--end")
    if last is not None and frames is not None:
        raise UsageError("--end and --frames were both given; give one of them")
    if frames is not None and not 1 <= frames <= MAX_FRAME_NUMBER:
        raise UsageError(f"--frames is {frames}; expected 1 or more")
    if last is not None and (last.seconds == 0 or last.number == 0):
        raise UsageError(f"--end is {last.text}; expected a position after the first frame")
    if first is not None and last is not None:
        one, other = (first.seconds, last.seconds) if first.number is None else (first.number, last.number)
        if one is not None and other is not None and other <= one:
            raise UsageError(
                f"--end {last.text} is not after --start {first.text}; the frame at --end is not included"
            )
    return ClipRange(first, last, frames)


def parse_position(given: PositionLike, name: str = "position") -> Position:
    """Parse a position: ``12.5``, ``12.5s``, ``1:02.5``, ``0:01:02.5``, or a frame ``300f``.

    Args:
        given: The text; a number is seconds.
        name: Name of the option, for the error text.

    Raises:
        UsageError: If it is not valid.
    """
    if not isinstance(given, str):
        if not 0 <= given < MAX_FRAME_NUMBER:  # False for NaN too
            raise UsageError(f"{name} is {given}; expected seconds, 0 or more")
        seconds = Fraction(given).limit_denominator(10**9)
        return Position(f"{float(seconds):g}s", seconds)
    text = given.strip()
    if match := _NUMBER.fullmatch(text):
        return Position(text, number=int(match[1]))
    if match := _SECONDS.fullmatch(text):
        return Position(text, Fraction(match[1]))
    if match := _CLOCK.fullmatch(text):
        hours, minutes, rest = int(match[1] or 0), int(match[2]), Fraction(match[3])
        if rest < 60 and (minutes < 60 or match[1] is None):
            return Position(text, (hours * 60 + minutes) * 60 + rest)
    raise UsageError(
        f"{name} is '{given[:40]}'; expected a time such as 12.5 or 0:01:02.5, or a frame number "
        "such as 300f"
    )
