"""Masks and regions as a user writes them: ``person.mov,invert``, ``person.mov=candy,feather=8``."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vst.errors import UsageError, suggestion

NONE = "none"
"""In place of a style: the clip as it is."""

CLIP_ALPHA = "alpha"
"""In place of a mask's file: the alpha of the clip itself."""

CHANNELS = ("luma", "alpha")

MAX_FEATHER = 1000
"""Pixels of the clip."""

_STYLE_SCALES = (0.1, 10)
_MASK_FORM = "FILE[,invert][,feather=PIXELS][,channel=luma|alpha]"
_REGION_FORM = "FILE=STYLE[,invert][,feather=PIXELS][,channel=luma|alpha][,style-scale=FACTOR]"
_MASK_WORDS = ("invert", "feather", "channel")
_REGION_WORDS = (*_MASK_WORDS, "style-scale")


@dataclass(frozen=True)
class Mask:
    """A mask: white is inside, black is outside, grey is between.

    Attributes:
        file: A picture, a clip, or the pattern of an image sequence, of any size; `CLIP_ALPHA` for the
            alpha of the clip itself.
        invert: Whether black is inside.
        feather: Width in pixels of the clip over which its edge is softened.
        channel: `luma` or `alpha`; None takes the alpha of files that have one which is not opaque.

    Raises:
        UsageError: A feather out of range, or an unknown channel.
    """

    file: Path | str
    invert: bool = False
    feather: float = 0.0
    channel: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "file", Path(self.file))  # texts and paths are equal
        if not 0 <= self.feather <= MAX_FEATHER:
            raise UsageError(f"feather is {self.feather:g}; expected 0 to {MAX_FEATHER} pixels of the clip")
        if self.channel is not None and self.channel not in CHANNELS:
            raise UsageError(f"channel is {self.channel!r}: {suggestion(self.channel, CHANNELS)}")
        if self.is_clip_alpha and self.channel == "luma":
            raise UsageError("the mask 'alpha' is the clip's own alpha; channel=luma needs a file")

    @property
    def is_clip_alpha(self) -> bool:
        """Whether it is the alpha of the clip itself."""
        return str(self.file) == CLIP_ALPHA

    def __str__(self) -> str:
        return f"{self.file}{self._words()}"

    def _words(self) -> str:
        text = ",invert" if self.invert else ""
        text += f",feather={self.feather:g}" if self.feather else ""
        return text + (f",channel={self.channel}" if self.channel else "")


@dataclass(frozen=True)
class Region(Mask):
    """A part of the picture with a style of its own.

    Attributes:
        style: A style or a blend; `NONE` leaves the clip as it is there.
        style_scale: Size of its strokes relative to the frame, as `RenderSettings.style_scale`; None is
            that of the render.

    Raises:
        UsageError: As `Mask`; or a style scale out of range.
    """

    style: str = NONE
    style_scale: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = _STYLE_SCALES
        if self.style_scale is not None and not low <= self.style_scale <= high:
            raise UsageError(f"style scale of a region is {self.style_scale:g}; expected {low} to {high}")
        if self.style_scale is not None and self.style == NONE:
            raise UsageError(f"the region {self.file} is not stylized: leave its style scale out")

    def __str__(self) -> str:
        scale = "" if self.style_scale is None else f",style-scale={self.style_scale:g}"
        return f"{self.file}={self.style}{self._words()}{scale}"

    __repr__ = __str__


def parse_mask(given: str | Mask) -> Mask:
    """Read ``FILE[,invert][,feather=PIXELS][,channel=luma|alpha]``; the name of a file may have commas.

    Raises:
        UsageError: For any other form.
    """
    if isinstance(given, Mask):
        return given
    file, words = _split(given, ",")
    if not file.strip():
        raise UsageError(f"mask is {given!r}; expected {_MASK_FORM}")
    return Mask(file, **_values(words, _MASK_WORDS, f"mask {given!r}", _MASK_FORM))


def parse_region(given: str | Region) -> Region:
    """Read ``FILE=STYLE[,invert][,feather=PIXELS][,channel=luma|alpha][,style-scale=FACTOR]``.

    Raises:
        UsageError: For any other form.
    """
    if isinstance(given, Region):
        return given
    file, rest = _split(given, "=")
    style, _, words = rest.partition(",")
    if not file.strip() or not style.strip():
        raise UsageError(f"region is {given!r}; expected {_REGION_FORM}")
    values = _values(words, _REGION_WORDS, f"region {given!r}", _REGION_FORM)
    return Region(file, style=style.strip(), **values)


def _split(text: str, mark: str) -> tuple[str, str]:
    """The file in front and the rest: the longest file that exists, else up to the first mark."""
    places = [place for place, letter in enumerate(text) if letter == mark] + [len(text)]
    existing = [place for place in places if _exists(text[:place])]
    place = existing[-1] if existing else places[0]
    return text[:place], text[place + 1 :]


def _values(words: str, known: tuple[str, ...], what: str, form: str) -> dict[str, Any]:
    """What stands behind a mask's file or a region's style."""
    values: dict[str, Any] = {}
    for each in words.split(",") if words else ():
        name, equals, value = (part.strip() for part in each.partition("="))
        if name not in known:
            raise UsageError(f"{what} has {name!r}: {suggestion(name, known)}; expected {form}")
        if (name == "invert") == bool(equals):
            raise UsageError(f"{what} has {each.strip()!r}; expected {form}")
        if name == "invert":
            values[name] = True
        elif name == "channel":
            values[name] = value
        else:
            try:
                number = float(value)
            except ValueError:
                number = math.nan
            if not math.isfinite(number):
                raise UsageError(f"{what} has {each.strip()!r}; expected a number after {name}=")
            values[name.replace("-", "_")] = number
    return values


def _exists(text: str) -> bool:
    try:
        return os.path.lexists(text)
    except ValueError:  # a null character
        return False
