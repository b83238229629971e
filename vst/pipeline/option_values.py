"""Reading and checking the values of single options."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from vst.errors import UsageError
from vst.keyframe_interval import AUTO

MAX_SIDE = 16384
"""Longest side of an output in pixels; libx264 accepts no longer one."""

DYNAMIC = "dynamic"
"""A size that is decided at every call of an exported network."""

EXPORT_PRECISIONS = ("fp32", "fp16")
"""Of an exported network."""

_MOST_DIGITS = 16


def parse_frame_rate(text: str) -> Fraction:
    """The exact rate of ``25``, ``23.976`` or ``24000/1001``; NTSC's usual decimals mean its fractions.

    Raises:
        UsageError: for text that is not a number.
    """
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        raise UsageError(
            f"{text!r} is not a frame rate; expected a number such as 25, 23.976 or 24000/1001"
        ) from None
    # 23.98 and 47.95 are rounded to two digits.
    ntsc = Fraction(round(rate * 1001 / 1000) * 1000, 1001)
    return ntsc if rate.denominator > 1 and abs(rate - ntsc) < Fraction(1, 200) else rate


def parse_picture_size(text: str) -> tuple[int, int] | None:
    """Width and height of ``640x480`` or ``640×480``; None for ``dynamic``.

    Raises:
        UsageError: for anything else.
    """
    return None if text == DYNAMIC else parse_sides(text, f", or {DYNAMIC}")


def parse_sides(text: str, otherwise: str = "") -> tuple[int, int]:
    """Width and height of ``640x480`` or ``640×480``.

    Args:
        text: What was given.
        otherwise: What else may be given, for the message.

    Raises:
        UsageError: for anything else.
    """
    width, _, height = text.lower().replace("×", "x").partition("x")
    if not (width.isdecimal() and height.isdecimal() and len(width) + len(height) <= _MOST_DIGITS):
        raise UsageError(f"{text!r} is no size; expected WIDTHxHEIGHT such as 640x480{otherwise}")
    return int(width), int(height)


def parse_tile(text: str) -> int | None:
    """The value of `RenderSettings.tile` for ``auto``, ``off`` or a number of pixels.

    Raises:
        UsageError: for anything else.
    """
    if text in ("auto", "off"):
        return None if text == "auto" else 0
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{text!r} is not auto, off or a number of pixels") from None


def parse_interval(text: str) -> int:
    """The value of `RenderSettings.keyframe_interval` for ``auto`` or a number of frames.

    Raises:
        UsageError: for anything else.
    """
    try:
        return AUTO if text == "auto" else int(text)
    except ValueError:
        raise UsageError(f"{text!r} is not auto or a number of frames") from None


def parse_layers(text: str) -> tuple[tuple[str, float], ...]:
    """Layers of a loss network with weights, of `relu1_1:2,relu2_1`; one without weight has 1. Of "" none.

    Raises:
        UsageError: for anything else.
    """
    found: dict[str, float] = {}
    for piece in text.split(",") if text else ():
        name, colon, weight = (each.strip() for each in piece.partition(":"))
        try:
            value = float(weight) if colon else 1.0
        except ValueError:
            value = math.nan
        if not re.fullmatch(r"relu[1-9]_[1-9]", name) or name in found or not (0 < value < math.inf):
            raise UsageError(
                f"{text!r} are no layers; expected names with or without a weight, such as "
                "relu1_1:2,relu2_1"
            )
        found[name] = value
    return tuple(found.items())


def check_hwaccel(name: str) -> None:
    """Check that the decoder library knows a kind of device; the library is loaded only if one is given.

    Raises:
        UsageError: for an unknown kind, and for one that this build of the library leaves out.
    """
    if name not in ("none", "auto"):
        from vst.media.decode import hardware

        hardware.check_hwaccel(name)
