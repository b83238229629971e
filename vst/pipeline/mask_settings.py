"""`MaskSettings`: what `vst mask` makes a mask of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from vst.errors import UsageError

KINDS = ("luma", "chroma", "motion", "rectangle", "first")


@dataclass(frozen=True)
class Chroma:
    """A colour and how far from it counts.

    Attributes:
        colour: R, G and B, 0..1.
        range: Distance in the plane of Cb and Cr, 0..1.
    """

    colour: tuple[float, float, float]
    range: float


@dataclass(frozen=True, kw_only=True)
class MaskSettings:
    """The settings of `vst mask`: exactly one of `KINDS`, and the others.

    Many attributes: one for each option.

    Attributes:
        luma: Lowest and highest luma inside, 0..1.
        chroma: The colour inside.
        motion: Whether what moves against the camera is inside.
        rectangle: Left, top, width and height of what is inside, in pixels of the clip.
        first: A mask of the first frame that is tracked through the clip.
        flow: Optical flow estimator.
        device: auto, cpu, cuda, cuda:n or mps.
        precision: auto, fp32, bf16 or fp16.
        overwrite: Whether to replace an existing output.

    Raises:
        UsageError: None or several of `KINDS`, or a value out of range.
    """

    luma: tuple[float, float] | None = None
    chroma: Chroma | None = None
    motion: bool = False
    rectangle: tuple[int, int, int, int] | None = None
    first: Path | None = None
    flow: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    overwrite: bool = False

    def __post_init__(self) -> None:
        given = [name for name in KINDS if getattr(self, name)]
        if len(given) != 1:
            shown = " and ".join(f"--{'from' if name == 'first' else name}" for name in given) or "none"
            raise UsageError(
                f"got {shown}; expected one of --luma LOW,HIGH, --chroma COLOUR,RANGE, --motion, "
                "--rectangle X,Y,WIDTH,HEIGHT or --from FILE"
            )
        if self.luma is not None and not 0 <= self.luma[0] < self.luma[1] <= 1:
            raise UsageError(
                f"luma is {self.luma[0]:g},{self.luma[1]:g}; expected LOW,HIGH with 0 <= LOW < HIGH <= 1"
            )
        if self.chroma is not None and not 0 < self.chroma.range <= 1:
            raise UsageError(
                f"the range of chroma is {self.chroma.range:g}; expected more than 0, at most 1"
            )
        if self.rectangle is not None and min(self.rectangle[2:]) < 1:
            raise UsageError(
                f"rectangle is {','.join(map(str, self.rectangle))}; expected X,Y,WIDTH,HEIGHT in pixels, "
                "with a width and height of 1 or more"
            )

    @property
    def needs_motion(self) -> bool:
        """Whether optical flow is estimated."""
        return self.motion or self.first is not None


def parse_luma(text: str) -> tuple[float, float]:
    """``LOW,HIGH``.

    Raises:
        UsageError: For any other form.
    """
    low, high = _numbers(text, 2, "LOW,HIGH such as 0.6,1")
    return low, high


def parse_rectangle(text: str) -> tuple[int, int, int, int]:
    """``X,Y,WIDTH,HEIGHT``.

    Raises:
        UsageError: For any other form.
    """
    form = "X,Y,WIDTH,HEIGHT in pixels such as 100,50,640,360"
    numbers = _numbers(text, 4, form)
    if any(each != int(each) for each in numbers):
        raise UsageError(f"{text!r} is no rectangle; expected {form}")
    left, top, width, height = map(int, numbers)
    return left, top, width, height


def parse_chroma(text: str) -> Chroma:
    """``COLOUR,RANGE``: a colour as CSS has it, such as ``#00b140`` or ``green``, and a distance.

    Raises:
        UsageError: For any other form.
    """
    from PIL import ImageColor

    colour, _, reach = text.rpartition(",")
    form = "COLOUR,RANGE such as '#00b140,0.15' or green,0.2"
    try:
        red, green, blue = ImageColor.getrgb(colour.strip())[:3]
    except ValueError:
        raise UsageError(f"{text!r} has no colour; expected {form}") from None
    (distance,) = _numbers(reach, 1, form)
    return Chroma((red / 255, green / 255, blue / 255), distance)


def _numbers(text: str, count: int, form: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(math.isfinite(each) and abs(each) < 1e6 for each in numbers):
        raise UsageError(f"{text!r} is not valid; expected {form}")
    return numbers
