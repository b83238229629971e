"""Text on pictures, in the default font of Pillow, wrapped to the width that is available."""

from __future__ import annotations

import unicodedata
from functools import cache

from PIL import ImageFont

_INSTEAD = {"ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
_INSTEAD |= {"đ": "d", "Đ": "D", "ı": "i", "–": "-", "—": "-", "×": "x"}


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font that comes with Pillow, of this height in pixels.

    Raises:
        ImportError: where Pillow was built without FreeType.
    """
    chosen = ImageFont.load_default(size=size)
    if not isinstance(chosen, ImageFont.FreeTypeFont):
        raise ImportError("Pillow was built without FreeType; install the one from PyPI")
    return chosen


def drawable(text: str) -> str:
    """One line in which a letter that the font lacks is written without its accents, or else as `?`."""
    return "".join(map(_drawable, " ".join(text.split())))


@cache
def _drawable(letter: str) -> str:
    if _has(letter):
        return letter
    bare = _INSTEAD.get(letter) or unicodedata.normalize("NFKD", letter)
    bare = "".join(each for each in bare if not unicodedata.combining(each))
    return bare if bare and all(map(_has, bare)) else "" if unicodedata.combining(letter) else "?"


def _has(letter: str) -> bool:
    # What a font lacks is drawn as one and the same box; U+FFFF is in no font.
    return letter.isprintable() and bytes(font(16).getmask(letter)) != bytes(font(16).getmask("\uffff"))


def wrap(text: str, size: int, width: int, most: int) -> list[str]:
    """Break a text into lines that fit, at spaces; what is too much ends in an ellipsis.

    Args:
        text: From `drawable`.
        size: Of the letters, in pixels.
        width: In pixels.
        most: Number of lines.
    """
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < most:
        line = words.pop(0)
        while words and font(size).getlength(f"{line} {words[0]}") <= width:
            line += f" {words.pop(0)}"
        if len(lines) == most - 1:
            line = " ".join([line, *words])
        lines.append(_cut(line, size, width))
    return lines


def _cut(line: str, size: int, width: int) -> str:
    if font(size).getlength(line) <= width:
        return line
    while line and font(size).getlength(f"{line}…") > width:
        line = line[:-1]
    return f"{line.rstrip()}…"
