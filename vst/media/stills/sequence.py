"""Image sequences by pattern: ``shot.%04d.exr``, ``shot.####.exr`` or ``shot.*.exr``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import translate
from fractions import Fraction
from itertools import islice
from pathlib import Path

from vst.errors import MediaError, UsageError
from vst.media.file_errors import reason_of
from vst.media.limits import FRAMES

DEFAULT_RATE = Fraction(24)
"""Frames per second of a sequence, if neither the user nor its files give it."""

MAX_DIGITS = 9
"""The largest number of digits in a file number."""

MAX_LISTED_GAPS = 5
"""Gaps that are listed in a note; the others are counted."""

PICTURE_SUFFIXES = (
    ".apng", ".avif", ".bmp", ".dpx", ".exr", ".gif", ".heic", ".heif", ".j2c", ".j2k", ".jp2", ".jpeg",
    ".jpg", ".jpx", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
)  # fmt: skip
"""Extensions of the files that a glob pattern matches."""

_COUNTER = re.compile(r"%(?:0(?P<width>\d{1,2}))?d|(?P<marks>#+)")
_LAST_NUMBER = re.compile(rf"\d{{1,{MAX_DIGITS}}}(?=\D*$)")


@dataclass(frozen=True, slots=True)
class ImageSequence:
    """The files of a sequence, in order.

    Attributes:
        pattern: The pattern that the user gave.
        files: The pictures.
        numbers: The file numbers, strictly increasing.
    """

    pattern: Path
    files: tuple[Path, ...]
    numbers: tuple[int, ...]

    def gaps(self) -> Iterator[tuple[int, int]]:
        """First and last number of each gap between two files."""
        for before, after in zip(self.numbers, self.numbers[1:], strict=False):
            if after - before > 1:
                yield before + 1, after - 1

    @property
    def missing(self) -> str | None:
        """A sentence about the missing files; None if there are none."""
        gaps = list(self.gaps())
        if not gaps:
            return None
        names = [str(a) if a == b else f"{a}-{b}" for a, b in gaps[:MAX_LISTED_GAPS]]
        more = f" and {len(gaps) - MAX_LISTED_GAPS} more gaps" if len(gaps) > MAX_LISTED_GAPS else ""
        one = len(gaps) == 1 and gaps[0][0] == gaps[0][1]
        return (
            f"{'frame' if one else 'frames'} {', '.join(names)}{more} {'is' if one else 'are'} missing in "
            f"{self.pattern.name}; the frame before a gap is shown until the gap ends"
        )


def is_pattern(path: Path) -> bool:
    """Whether a path is the pattern of an image sequence.

    Its name has a counter or a glob, and the suffix of a picture, or ends in ``*``. A file of exactly that
    name is that file.
    """
    name = path.name
    is_glob = re.search(r"[*?\[]", name) is not None and (_is_picture(path) or name.endswith("*"))
    return has_counter(path) or (is_glob and not os.path.lexists(path))


def has_counter(path: Path) -> bool:
    """Whether a name has a counter, ``%04d`` or ``####``, and the suffix of a picture; no existing file's
    name has one: ``IMG #3.png`` may be any picture, and ``C# lesson.mp4`` a video."""
    return _is_picture(path) and _COUNTER.search(path.stem) is not None and not os.path.lexists(path)


def is_output_pattern(path: Path, source: Path, *, is_still: bool, is_sequence: bool) -> bool:
    """Whether an output is the pattern of an image sequence.

    A single picture has a single output. What looks like a counter in the name of a file is part of that
    name, in the output's name as well: ``IMG #3.candy.png`` for ``IMG #3.png``.

    Args:
        path: The output.
        source: The clip: a file, or a pattern.
        is_still: Whether the clip is a single picture.
        is_sequence: Whether `source` is a pattern.
    """
    if is_still or not has_counter(path):
        return False
    if is_sequence or _COUNTER.search(source.stem) is None:
        return True
    return _COUNTER.search(path.stem.replace(source.stem, "", 1)) is not None


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES


def numbered(pattern: Path, number: int) -> Path:
    """The path with a number in place of its counter.

    Raises:
        UsageError: If the name does not have exactly one counter.
    """
    name = pattern.name
    counters = list(_COUNTER.finditer(name))
    if len(counters) != 1:
        raise UsageError(f"{name} has {len(counters)} counters: expected one, such as %04d or ####")
    (counter,) = counters
    width = len(counter["marks"] or "") or int(counter["width"] or 0)
    return pattern.with_name(f"{name[: counter.start()]}{number:0{width}d}{name[counter.end() :]}")


def _number_in(pattern: Path) -> re.Pattern[str] | None:
    """An expression that matches the names of a pattern, with the number as its group; None for a glob."""
    counters = list(_COUNTER.finditer(pattern.name))
    if not counters:
        return None
    if len(counters) > 1:
        raise UsageError(f"{pattern.name} has {len(counters)} counters: expected one, such as %04d or ####")
    (counter,) = counters
    name = pattern.name
    width = min(len(counter["marks"] or "") or int(counter["width"] or 1), MAX_DIGITS)
    # As in printf: a number with more digits than the width has no leading zero.
    longer = f"|[1-9]\\d{{{width},{MAX_DIGITS - 1}}}" if width < MAX_DIGITS else ""
    digits = f"(\\d{{{width}}}{longer})" if width > 1 else f"(0|[1-9]\\d{{0,{MAX_DIGITS - 1}}})"
    return re.compile(re.escape(name[: counter.start()]) + digits + re.escape(name[counter.end() :]))


def files_like(pattern: Path) -> list[tuple[int, Path]]:
    """Number and path of each file that matches a pattern, in order.

    A glob matches pictures only. Its files are numbered by the last number in each name, or from 1 in order
    of name if those numbers are not unique.

    Raises:
        MediaError: If the folder cannot be read, or more files match than a clip may have frames.
        UsageError: If the name has more than one counter.
    """
    counted = _number_in(pattern)
    wanted = counted or re.compile(translate(pattern.name))
    try:
        with os.scandir(pattern.parent) as entries:
            matches = (m for entry in entries if (m := wanted.fullmatch(entry.name)) and entry.is_file())
            found = list(islice(matches, FRAMES.value + 1))
    except OSError as error:
        raise MediaError(
            f"the folder {pattern.parent} cannot be read: {reason_of(error)}; check the path"
        ) from error
    FRAMES.check(pattern, len(found))
    if counted:
        return sorted((int(match[1]), pattern.with_name(match.string)) for match in found)
    names = sorted(
        match.string
        for match in found
        if not match.string.startswith(".") and match.string.lower().endswith(PICTURE_SUFFIXES)
    )
    last = [_LAST_NUMBER.search(name) for name in names]
    numbers = [int(match[0]) for match in last if match is not None]
    if len(numbers) < len(names) or len(set(numbers)) < len(names):
        numbers = list(range(1, len(names) + 1))
    return sorted(zip(numbers, (pattern.with_name(name) for name in names), strict=True))


def find_sequence(pattern: Path) -> ImageSequence:
    """The files that match a pattern.

    Raises:
        MediaError: If no file matches, or the folder cannot be read.
        UsageError: If the name has more than one counter.
    """
    found = files_like(pattern)
    if not found:
        raise MediaError(f"no file matches {pattern}: check the folder and the number of digits")
    numbers, files = zip(*found, strict=True)
    return ImageSequence(pattern, files, numbers)
