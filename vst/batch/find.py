"""Which files of a folder are meant, and where their outputs go."""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from vst.batch.job import Job
from vst.errors import MediaError, UsageError, nearest
from vst.media.stills.sequence import PICTURE_SUFFIXES
from vst.pipeline.output_path import written_suffix

_log = logging.getLogger(__name__)

VIDEO_SUFFIXES = (
    ".3gp", ".asf", ".avi", ".divx", ".f4v", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg",
    ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv",
)  # fmt: skip
RECORD = ".vst-batch.json"
"""The file by which an output folder is known; see `Manifest`."""

LOCK = ".vst-batch.lock"
"""The file in an output folder that only one batch holds at a time."""

A_SECOND = 24
"""So many pictures with numbers in a row may be a clip."""

_NUMBERED = re.compile(r"(?P<head>.*?)(?P<number>\d{1,9})\.\w+")

MEDIA_SUFFIXES = frozenset(VIDEO_SUFFIXES + PICTURE_SUFFIXES)
"""Files with these extensions, in any case, are rendered; others are left alone."""


def find_jobs(source: Path, output: Path) -> list[Job]:
    """The media files below a folder, each with its place below the output folder.

    Hidden files and folders are left alone, and so are the output folder and those of other batches where
    they lie within the source.

    Args:
        source: The folder to search, whole.
        output: The folder that will have the same structure.

    Returns:
        Jobs in order of their names.

    Raises:
        UsageError: The two folders are one.
        MediaError: The source is no folder, or holds nothing to render.
    """
    if not source.is_dir():
        if source.exists():
            raise MediaError(f"{source} is a file: give a folder, or use 'vst render'")
        raise MediaError(f"folder {source} does not exist{_nearest_folder(source)}")
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file: -o wants a folder")
    if output.resolve() == source.resolve():
        raise UsageError(f"{output} is the folder that is read: give another one with -o")
    found = _media_below(source, output.resolve())
    if not found:
        raise MediaError(
            f"{source} holds no video or picture: expected files such as .mp4, .mov, .mkv, .jpg, .png"
        )
    for pattern, count in numbered_pictures(found):
        _log.warning(
            "%s are %d pictures, each painted by itself; if they are the frames of a clip, 'vst render' of "
            "that pattern paints them as one",
            source / pattern,
            count,
        )
    natural = {path: path.with_suffix(written_suffix(path)) for path in found}
    claims = Counter(str(name).casefold() for name in natural.values())
    jobs = []
    for path in found:
        name = natural[path]
        if claims[str(name).casefold()] > 1 and name.suffix != path.suffix:
            # clip.ts and clip.mp4 would both be clip.mp4: the one whose container changes keeps both names.
            name = path.with_name(path.name + name.suffix)
        jobs.append(Job(name.as_posix(), source / path, output / name))
    return jobs


def numbered_pictures(found: Sequence[Path]) -> Iterator[tuple[Path, int]]:
    """Patterns, and their numbers of files, of pictures that may be the frames of one clip.

    Cameras number photographs as renderers number frames, so a batch does not guess: each is painted by
    itself, and a clip of pictures is rendered by its pattern.
    """
    runs: dict[tuple[Path, str, int, str], list[int]] = {}
    for path in found:
        match = _NUMBERED.fullmatch(path.name)
        if match and path.suffix.lower() in PICTURE_SUFFIXES:
            key = (path.parent, match["head"], len(match["number"]), path.suffix)
            runs.setdefault(key, []).append(int(match["number"]))
    for (folder, head, width, suffix), numbers in runs.items():
        if len(numbers) >= A_SECOND and max(numbers) - min(numbers) == len(numbers) - 1:
            yield folder / f"{head}%0{width}d{suffix}", len(numbers)


def _nearest_folder(path: Path) -> str:
    try:
        folders = [entry.name for entry in os.scandir(path.parent) if entry.is_dir()]
    except OSError:
        return ": check the path"
    near = nearest(path.name, folders)
    return f"; did you mean {near}?" if near else ": check the path"


def _media_below(source: Path, output: Path) -> list[Path]:
    """Relative paths of the media files, sorted."""
    found = []
    for folder, subfolders, files in os.walk(source):
        here = Path(folder)
        subfolders[:] = [
            name
            for name in subfolders
            if not (
                name.startswith(".") or (here / name / RECORD).exists() or (here / name).resolve() == output
            )
        ]
        found += [
            (here / name).relative_to(source)
            for name in files
            if Path(name).suffix.lower() in MEDIA_SUFFIXES and not name.startswith(".")
        ]
    return sorted(found)
