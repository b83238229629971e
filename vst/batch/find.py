"""The files of a batch, and the paths of their outputs."""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from vst.batch.batch_file import BatchFile
from vst.errors import MediaError, UsageError, nearest
from vst.media.stills.sequence import PICTURE_SUFFIXES
from vst.pipeline.output_path import written_suffix

_log = logging.getLogger(__name__)

_VIDEO_SUFFIXES = (
    ".3gp", ".asf", ".avi", ".divx", ".f4v", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg",
    ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv",
)  # fmt: skip
MANIFEST_NAME = ".vst-batch.json"
"""File in an output folder that records its batch; see `Manifest`."""

LOCK_NAME = ".vst-batch.lock"
"""File in an output folder that one batch at a time locks."""

_SEQUENCE_LENGTH = 24
"""From this many consecutive numbers on, pictures may be the frames of a clip."""

_NUMBERED = re.compile(r"(?P<head>.*?)(?P<number>\d{1,9})\.\w+")

MEDIA_SUFFIXES = frozenset(_VIDEO_SUFFIXES + PICTURE_SUFFIXES)
"""Extensions of the files that a batch renders, in lower case; it ignores others."""


def find_files(source: Path, output: Path) -> list[BatchFile]:
    """The media files below a folder, with the paths of their outputs.

    Hidden files and folders are ignored, and so are output folders of batches within the source.

    Args:
        source: The folder to search, with all its subfolders.
        output: The output folder; it gets the same structure.

    Returns:
        The files in the order of their paths.

    Raises:
        UsageError: If the two folders are the same.
        MediaError: If the source is not a folder, or contains nothing to render.
    """
    if not source.is_dir():
        if source.exists():
            raise MediaError(f"{source} is a file; give a folder, or use 'vst render'")
        raise MediaError(f"folder {source} does not exist{_nearest_folder(source)}")
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file; give a folder with -o")
    if output.resolve() == source.resolve():
        raise UsageError(f"{output} is the input folder; give another one with -o")
    found = _media_below(source, output.resolve())
    if not found:
        raise MediaError(
            f"{source} contains no video or picture; expected files such as .mp4, .mov, .mkv, .jpg, .png"
        )
    for pattern, count in numbered_pictures(found):
        _log.warning(
            "%s: %d pictures, each rendered by itself; if they are the frames of a clip, render them with "
            "'vst render' and this pattern",
            source / pattern,
            count,
        )
    natural = {path: path.with_suffix(written_suffix(source / path)) for path in found}
    claims = Counter(str(name).casefold() for name in natural.values())
    files = []
    for path in found:
        name = natural[path]
        if claims[str(name).casefold()] > 1 and name.suffix != path.suffix:
            # clip.ts and clip.mkv would both become clip.mkv: the first becomes clip.ts.mkv.
            name = path.with_name(path.name + name.suffix)
        files.append(BatchFile(name.as_posix(), source / path, output / name))
    return files


def numbered_pictures(found: Sequence[Path]) -> Iterator[tuple[Path, int]]:
    """Patterns of pictures that may be the frames of one clip, each with its number of files.

    Cameras number photographs as renderers number frames, so a batch does not guess: each picture is
    rendered by itself.
    """
    runs: dict[tuple[Path, str, int, str], list[int]] = {}
    for path in found:
        match = _NUMBERED.fullmatch(path.name)
        if match and path.suffix.lower() in PICTURE_SUFFIXES:
            key = (path.parent, match["head"], len(match["number"]), path.suffix)
            runs.setdefault(key, []).append(int(match["number"]))
    for (folder, head, width, suffix), numbers in runs.items():
        if len(numbers) >= _SEQUENCE_LENGTH and max(numbers) - min(numbers) == len(numbers) - 1:
            yield folder / f"{head}%0{width}d{suffix}", len(numbers)


def _nearest_folder(path: Path) -> str:
    try:
        folders = [entry.name for entry in os.scandir(path.parent) if entry.is_dir()]
    except OSError:
        return ": check the path"
    near = nearest(path.name, folders)
    return f"; did you mean {near}?" if near else ": check the path"


def _is_ignored(folder: Path, output: Path) -> bool:
    """Whether a folder is hidden, or an output folder."""
    return folder.name.startswith(".") or (folder / MANIFEST_NAME).exists() or folder.resolve() == output


def _media_below(source: Path, output: Path) -> list[Path]:
    """Relative paths of the media files, sorted."""
    found = []
    for folder, subfolders, files in os.walk(source):
        here = Path(folder)
        subfolders[:] = [name for name in subfolders if not _is_ignored(here / name, output)]
        found += [
            (here / name).relative_to(source)
            for name in files
            if Path(name).suffix.lower() in MEDIA_SUFFIXES and not name.startswith(".")
        ]
    return sorted(found)
