"""A collection of paintings: which of its files are learned from, and which are held out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import NamedTuple

from vst.errors import UsageError
from vst.train.picture_files import PictureFile, PictureOrNext, find_pictures
from vst.train.skipped import SkippedFiles

FEW = 20
"""Paintings below which a discriminator learns them by heart."""

ENOUGH = 100
"""Paintings from which a collection shows more of an artist than its single works."""

_ARTICLES = frozenset({"the", "a", "an"})


class Collection(NamedTuple):
    """The files of a collection of paintings, each part by name.

    Attributes:
        learned: What the training sees.
        held_out: What it never sees, to measure by.
    """

    learned: tuple[PictureFile, ...]
    held_out: tuple[PictureFile, ...]


def title_of(name: str, prefixes: Sequence[str] = ()) -> str:
    """What files of one work have in common: the letters and digits of the title, without articles.

    >>> title_of("photos/mm_The_potato_eaters.jpg", ["mm_"])
    'potatoeaters'

    Args:
        name: Of the file, with or without folders and suffix.
        prefixes: Beginnings of file names that are no part of the title.
    """
    stem = PurePath(name).stem
    prefix = max((each for each in prefixes if stem.startswith(each)), key=len, default="")
    words = re.findall(r"[^\W_]+", stem.removeprefix(prefix).lower())
    return "".join(word for word in words if word not in _ARTICLES) or stem


def hold_out(names: Sequence[str], every: int, prefixes: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Divide file names into those that are learned from and those that are held out.

    Each `every`-th by name is held out, counted from 1 in the order of code points, and every other file of
    the same work (`title_of`).

    Args:
        names: Of the files; different from each other.
        every: 0 holds none out.
        prefixes: As of `title_of`.
    """
    ordered = sorted(names)
    if not every:
        return ordered, []
    works = {title_of(name, prefixes) for name in ordered[every - 1 :: every]}
    out = {name for name in ordered if title_of(name, prefixes) in works}
    return [name for name in ordered if name not in out], [name for name in ordered if name in out]


def find_collection(
    sources: Sequence[str], every: int, prefixes: Sequence[str], skipped: SkippedFiles | None = None
) -> Collection:
    """The paintings of folders and tar files; each source is divided for itself.

    Args:
        sources: Folders and tar files.
        every: As of `hold_out`.
        prefixes: As of `title_of`.
        skipped: Records files that cannot be used.

    Raises:
        MediaError: where a source is missing or no picture of it can be used.
    """
    learned: list[PictureFile] = []
    held_out: list[PictureFile] = []
    for source in sources:
        pictures = {picture.name: picture for picture in find_pictures([source], skipped)}
        inside, outside = hold_out(list(pictures), every, prefixes)
        learned += [pictures[name] for name in inside]
        held_out += [pictures[name] for name in outside]
    return Collection(tuple(learned), tuple(held_out))


def paintings_to_learn(
    sources: Sequence[str],
    every: int,
    prefixes: Sequence[str],
    skipped: SkippedFiles,
    say: Callable[[str], None],
) -> list[PictureOrNext]:
    """The paintings that a training learns from, each with the next one in its place if it is damaged.

    Args:
        sources: Folders and tar files.
        every: As of `hold_out`.
        prefixes: As of `title_of`.
        skipped: Records files that cannot be used.
        say: Takes a line about their number.

    Raises:
        UsageError: There are no sources, or there is one painting only.
        MediaError: As `find_collection`.
    """
    if not sources:
        raise UsageError(
            "no paintings: give --paintings with a folder or tar file of some hundred by one artist"
        )
    found = find_collection(sources, every, prefixes, skipped)
    count, kept = len(found.learned), len(found.held_out)
    if count < 2:
        raise UsageError(
            f"got {count} painting{'' if count == 1 else 's'} to learn from and {kept} held out; a "
            f"collection needs {FEW} or more: for a single painting use vst style add, which takes minutes"
        )
    out = f", {kept} held out" if kept else ""
    if count < FEW:
        say(
            f"{count} paintings{out}: the discriminator will know them by heart, so expect their colours "
            f"and little else; give {ENOUGH} or more, or learn each by vst style add"
        )
    else:
        say(f"{count} paintings{out}")
    pictures = [PictureOrNext(found.learned, index, skipped) for index in range(count)]
    pictures[0].load()  # fails now, and not in the middle of the training, if none can be decoded
    return pictures
