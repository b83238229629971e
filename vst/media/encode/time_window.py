"""The part of the source's time that is in an output, for audio, subtitles and chapters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import av


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A half-open interval of the source's time, in seconds as stored in its container.

    Attributes:
        shift: Subtracted from every timestamp.
        start: Everything before is dropped; None for no start.
        end: Everything from here on is dropped; None for no end.
    """

    shift: Fraction = Fraction(0)
    start: Fraction | None = None
    end: Fraction | None = None

    def contains(self, time: Fraction) -> bool:
        """Whether something that begins at this time is kept."""
        return (self.start is None or time >= self.start) and not self.is_past(time)

    def is_past(self, time: Fraction) -> bool:
        """Whether everything from this time on is dropped."""
        return self.end is not None and time >= self.end

    def clipped(self, begin: Fraction, length: Fraction) -> tuple[Fraction, Fraction] | None:
        """Begin and length of the part of an interval that is kept, in the source's time; None for none.

        Something without a length is kept if it begins inside.
        """
        if not length:
            return (begin, length) if self.contains(begin) else None
        stop = begin + length if self.end is None else min(begin + length, self.end)
        begin = begin if self.start is None else max(begin, self.start)
        return (begin, stop - begin) if begin < stop else None

    def trim(self, audio: av.AudioFrame) -> av.AudioFrame | None:
        """The samples of decoded audio that are kept, at their time in the source; None for none."""
        if audio.pts is None or not audio.time_base or (self.start is None and self.end is None):
            return audio
        begins = audio.pts * audio.time_base
        first, stop = 0, audio.samples
        if self.start is not None:
            first = max(first, math.ceil((self.start - begins) * audio.sample_rate))
        if self.end is not None:
            stop = min(stop, math.ceil((self.end - begins) * audio.sample_rate))
        if first >= stop:
            return None
        if (first, stop) == (0, audio.samples):
            return audio
        each = 1 if audio.format.is_planar else len(audio.layout.channels)
        samples = audio.to_ndarray()[:, first * each : stop * each]
        part = av.AudioFrame.from_ndarray(samples.copy(), audio.format.name, audio.layout.name)
        part.sample_rate, part.time_base = audio.sample_rate, audio.time_base
        part.pts = audio.pts + round(Fraction(first, audio.sample_rate) / audio.time_base)
        return part
