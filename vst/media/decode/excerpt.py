"""Which part of a clip is meant: from here to there, by time or by number of frame.

Half-open, so that parts follow each other without a gap and without a frame twice: the part ends before the
frame at `end`. Times count from the clip's first frame, as players show them, numbers from 0; those of an
image sequence are its files' own.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from vst.errors import UsageError
from vst.media.probe.clip import ClipInfo

SLACK = Fraction(1, 2000)
"""Seconds by which a time may be later than the frame that it means: times are told in milliseconds."""

MAX_FRAMES = 10**9
"""No clip has more."""

_DIGITS = r"\d{1,9}(?:\.\d{1,9})?"
_NUMBER = re.compile(r"(\d{1,9})\s*f(?:rames?)?", re.IGNORECASE)
_SECONDS = re.compile(rf"({_DIGITS})\s*s?", re.IGNORECASE)
_CLOCK = re.compile(rf"(?:(\d{{1,6}}):)?(\d{{1,2}}):({_DIGITS})")

Given = str | int | float | Fraction
"""How a position may be given: see `parse_position`."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a clip.

    Attributes:
        text: As the user wrote it.
        seconds: After the first frame; None for a number.
        number: Of a frame; None for a time.
    """

    text: str
    seconds: Fraction | None = None
    number: int | None = None

    def reached(self, index: int, time: Fraction, clip: ClipInfo) -> bool:
        """Whether a frame is at this position or after it.

        Args:
            index: The frame's, from 0.
            time: The frame's, as its container has it.
            clip: What it belongs to.
        """
        if self.number is None:
            assert self.seconds is not None
            return time - clip.start > self.seconds - SLACK
        return (clip.sequence.numbers[index] if clip.sequence else index) >= self.number


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What part of a clip is wanted.

    Attributes:
        start: The first frame; None is the clip's first.
        end: The first frame that is not wanted any more; None is the clip's end.
        frames: How many frames; None is as many as there are.
    """

    start: Position | None = None
    end: Position | None = None
    frames: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all of the clip is wanted."""
        return self.start is None and self.end is None and self.frames is None

    @property
    def has_end(self) -> bool:
        """Whether it may end before the clip does."""
        return self.end is not None or self.frames is not None

    def count(self, first: int, time: Fraction, clip: ClipInfo) -> int | None:
        """How many frames that will be, as far as the container tells.

        Args:
            first: Index of the first frame.
            time: Its time.
            clip: The clip.
        """
        found = [] if self.frames is None else [self.frames]
        if clip.frames is not None:
            found.append(max(clip.frames - first, 0))
        if self.end is not None and self.end.number is not None:
            numbers = clip.sequence.numbers if clip.sequence else None
            inside = sum(each < self.end.number for each in numbers) if numbers else self.end.number
            found.append(max(inside - first, 0))
        elif self.end is not None and self.end.seconds is not None and clip.average_rate:
            left = self.end.seconds - (time - clip.start)
            found.append(max(math.ceil((left - SLACK) * clip.average_rate), 0))
        return min(found, default=None)


def excerpt_of(start: Given | None, end: Given | None, frames: int | None) -> Excerpt:
    """What a user asks for.

    Raises:
        UsageError: For positions that cannot be read, an end that is not after the start, fewer than one
            frame, or two different ends.
    """
    first = None if start is None else parse_position(start, "--start")
    last = None if end is None else parse_position(end, "--end")
    if last is not None and frames is not None:
        raise UsageError("--end and --frames were both given; give one of them")
    if frames is not None and not 1 <= frames <= MAX_FRAMES:
        raise UsageError(f"--frames is {frames}; expected 1 or more")
    if last is not None and (last.seconds == 0 or last.number == 0):
        raise UsageError(f"--end is {last.text}: nothing comes before it")
    if first is not None and last is not None:
        one, other = (first.seconds, last.seconds) if first.number is None else (first.number, last.number)
        if one is not None and other is not None and other <= one:
            raise UsageError(
                f"--end {last.text} is not after --start {first.text}; the frame at the end is not rendered"
            )
    return Excerpt(first, last, frames)


def parse_position(given: Given, name: str = "position") -> Position:
    """A position as it is written: ``12.5``, ``12.5s``, ``1:02.5``, ``0:01:02.5``, or a frame ``300f``.

    Args:
        given: The words; a number is seconds.
        name: What it is called if it cannot be read.

    Raises:
        UsageError: If it cannot be read.
    """
    if not isinstance(given, str):
        if not 0 <= given < MAX_FRAMES:  # which NaN is not either
            raise UsageError(f"{name} is {given}; expected seconds from 0")
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
        f"{name} is '{given[:40]}'; expected a time, such as 12.5 or 0:01:02.5, or the number of a frame, "
        "such as 300f"
    )
