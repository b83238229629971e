"""Frames that are decoded and not yet converted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from vst.frame import Frame
from vst.media.stills.read import DecodedImage


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A frame of a clip as decoded planes: 1.5 to 8 bytes a pixel, where a `Frame` takes 12 or more.

    Attributes:
        index: Number of the frame in the clip, from 0.
        time: Presentation time in seconds.
        duration: In seconds.
        image: Converts the planes; the same tensors each time it is called, bit for bit.
    """

    index: int
    time: Fraction
    duration: Fraction
    image: Callable[[], DecodedImage]

    def convert(self) -> Frame:
        """The frame as R'G'B' tensors."""
        image = self.image()
        return Frame(self.index, self.time, self.duration, image.image, image.alpha, image.gain)
