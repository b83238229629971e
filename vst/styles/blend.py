"""What stands after `--style`: a style's name, the path of a picture, or a blend of several."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

from vst.errors import UsageError
from vst.styles.suffixes import SUFFIXES

_OVER_TIME = " (over time, for 'vst render' and 'vst batch': 0s:candy 5s:wave)"

_PREFIX = "file:"
"""Before a path that would be read as something else; the path may then be in double quotes."""

_MASK = "@"
"""Between a picture and its mask."""

_PIECE = re.compile(r'(?:"[^"]*"|[^+"]|"(?![^"]*"))+')
"""What stands between two plus signs outside of double quotes."""


class MaskedPicture(NamedTuple):
    """A picture of a style, and which part of it counts.

    Attributes:
        picture: Its path.
        mask: Path of a picture that is white where it counts; None: everywhere.
    """

    picture: str
    mask: str | None = None


@dataclass(frozen=True)
class Blend:
    """Styles and how much of each; the shares sum to 1.

    Attributes:
        parts: Name of each style, or path of a picture, and its share; `split_mask` reads it.
        pictures: Those of the names that are paths of pictures.
    """

    parts: tuple[tuple[str, float], ...]
    pictures: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """The styles' names, in the order given."""
        return tuple(name for name, _ in self.parts)

    @property
    def label(self) -> str:
        """A short form that is fit for a file name: `candy`, or `candy+wave`; of a picture its stem."""
        labels = (
            # A per cent sign is the counter of an image sequence.
            Path(split_mask(name).picture).stem.replace("%", "_") if name in self.pictures else name
            for name in self.names
        )
        return "+".join(labels)

    @property
    def with_absolute_paths(self) -> str:
        """The blend as text that means the same in another folder."""
        return self.with_paths(os.path.abspath)

    def with_paths(self, change: Callable[[str], str]) -> str:
        """The blend as text with the paths of its pictures and masks changed."""
        names = (
            f'{_PREFIX}"{change_paths(name, change)}"' if name in self.pictures else name
            for name in self.names
        )
        return "+".join(f"{name}:{share!r}" for name, (_, share) in zip(names, self.parts, strict=True))

    @property
    def files(self) -> tuple[str, ...]:
        """The pictures and their masks, in the order given."""
        split = (split_mask(name) for name in self.names if name in self.pictures)
        return tuple(path for each in split for path in each if path is not None)

    def mixture(self, styles: tuple[str, ...]) -> list[float]:
        """Weights in the order of a network's styles, 0 for those that are not in the blend."""
        weights = dict(self.parts)
        return [weights.get(name, 0.0) for name in styles]


def parse_blend(text: str) -> Blend:
    """Read what stands after `--style`; shares are brought to a sum of 1.

    It is `candy`, or the path of a picture, or a blend of these like `candy:0.6+wave:0.4`. The whole name
    of a file that exists always means that file. `file:"a+b: c.jpg":0.5` is a path with a blend's signs.
    A picture may have a mask: `painting.jpg@mask.png`.

    Raises:
        UsageError: for an empty name, a style given twice, or a weight that is not above 0.
    """
    if os.path.isfile(text):
        return Blend(((text, 1.0),), frozenset({text}))
    parts: dict[str, float] = {}
    pictures = set()
    pieces: list[str] = _PIECE.findall(text)
    for piece in pieces if pieces and "+".join(pieces) == text else [""]:
        name, share, is_picture = _part(piece.strip())
        if not name or name in parts or not (0 < share < math.inf) or split_mask(name).mask == "":
            masked = "a picture with its mask like painting.jpg@mask.png, " if _MASK in text else ""
            raise UsageError(
                f"style {text!r} cannot be read; write one name, the path of a picture, {masked}or a blend "
                f"like candy:0.6+wave:0.4{_OVER_TIME if ' ' in text.strip() else ''}"
            )
        parts[name] = share
        if is_picture:
            pictures.add(name)
    whole = sum(parts.values())
    return Blend(tuple((name, share / whole) for name, share in parts.items()), frozenset(pictures))


def split_mask(text: str) -> MaskedPicture:
    """Read `painting.jpg@mask.png`: a picture and its mask, which may be missing.

    The longest name of a file that exists is the picture; without one, what looks like a picture's name. So
    an @ in a folder's name does no harm.
    """
    places = [place for place, letter in enumerate(text) if letter == _MASK]
    if not places or os.path.isfile(text):
        return MaskedPicture(text)
    for is_one in (os.path.isfile, lambda name: PureWindowsPath(name).suffix.lower() in SUFFIXES):
        for place in reversed(places):
            if is_one(text[:place]):
                return MaskedPicture(text[:place], text[place + 1 :])
    return MaskedPicture(text)


def change_paths(text: str, change: Callable[[str], str]) -> str:
    """What `split_mask` reads, with the paths of picture and mask changed."""
    return _MASK.join(change(each) for each in split_mask(text) if each is not None)


def short_name(text: str) -> str:
    """What `split_mask` reads, without folders."""
    return change_paths(text, lambda path: Path(path).name)


def check_style_name(name: str) -> None:
    """Refuse a name for a new style that a blend could not contain.

    Raises:
        UsageError: It has other characters than letters, digits, - and _, or begins with one of these two.
    """
    plain = name.replace("-", "").replace("_", "")
    if not (plain.isascii() and plain.isalnum()) or name[0] in "-_":
        raise UsageError(f"style name {name!r} is invalid in a blend; use letters, digits, - and _")


def _part(piece: str) -> tuple[str, float, bool]:
    """Name, share and whether it is a picture; the share is not a number where it cannot be read."""
    if piece.startswith(_PREFIX):
        path = piece.removeprefix(_PREFIX)
        quoted = re.fullmatch(r'"([^"]*)"\s*(?::(.*))?', path)
        if quoted is None:
            name, share = _with_share(path)
            return "" if name.startswith('"') else name, share, True
        return quoted[1], 1.0 if quoted[2] is None else _number(quoted[2]), True
    name, share = _with_share(piece)
    picture = split_mask(name).picture
    return name, share, os.path.isfile(picture) or _looks_like_path(picture)


def _with_share(text: str) -> tuple[str, float]:
    if os.path.isfile(text) or ":" not in text:
        return text, 1.0
    name, _, share = text.rpartition(":")
    number = _number(share)
    if math.isnan(number) and _looks_like_path(text):
        return text, 1.0  # such as C:\candy.jpg
    return name.strip(), number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _looks_like_path(name: str) -> bool:
    return "/" in name or "\\" in name or PureWindowsPath(name).suffix.lower() in SUFFIXES
