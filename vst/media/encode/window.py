"""Which part of the source's time an output has, for all that goes with the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import av


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the source's time, in seconds as its container counts them.

    Attributes:
        shift: What is taken off every timestamp.
        start: Nothing from before is kept; None keeps everything.
        end: Nothing from then on is kept; None keeps everything.
    """

    shift: Fraction = Fraction(0)
    start: Fraction | None = None
    end: Fraction | None = None

    def covers(self, time: Fraction) -> bool:
        """Whether something that begins then is kept."""
        return (self.start is None or time >= self.start) and not self.is_past(time)

    def is_past(self, time: Fraction) -> bool:
        """Whether nothing from then on is kept."""
        return self.end is not None and time >= self.end

    def clipped(self, begin: Fraction, length: Fraction) -> tuple[Fraction, Fraction] | None:
        """The part that is kept of something that lasts: begin and length in the source's time, or None.

        What has no length is kept if it begins inside.
        """
        if not length:
            return (begin, length) if self.covers(begin) else None
        stop = begin + length if self.end is None else min(begin + length, self.end)
        begin = begin if self.start is None else max(begin, self.start)
        return (begin, stop - begin) if begin < stop else None

    def trim(self, sound: av.AudioFrame) -> av.AudioFrame | None:
        """The samples that are kept of decoded sound, at their time in the source; None for none."""
        if sound.pts is None or not sound.time_base or (self.start is None and self.end is None):
            return sound
        begins = sound.pts * sound.time_base
        first, stop = 0, sound.samples
        if self.start is not None:
            first = max(first, math.ceil((self.start - begins) * sound.sample_rate))
        if self.end is not None:
            stop = min(stop, math.ceil((self.end - begins) * sound.sample_rate))
        if first >= stop:
            return None
        if (first, stop) == (0, sound.samples):
            return sound
        each = 1 if sound.format.is_planar else len(sound.layout.channels)
        samples = sound.to_ndarray()[:, first * each : stop * each]
        part = av.AudioFrame.from_ndarray(samples.copy(), sound.format.name, sound.layout.name)
        part.sample_rate, part.time_base = sound.sample_rate, sound.time_base
        part.pts = sound.pts + round(Fraction(first, sound.sample_rate) / sound.time_base)
        return part


WHOLE = Window()
"""All of the source, at its own times."""
