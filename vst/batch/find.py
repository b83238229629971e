"""The files of a batch, and the paths of their outputs."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vst.batch.batch_file import BatchFile
from vst.batch.left_out import LeftOut
from vst.batch.search import search
from vst.errors import MediaError, UsageError, nearest
from vst.media.encode.codec_choice import codec_named
from vst.media.stills.animate import ANIMATIONS
from vst.media.stills.samples import is_still
from vst.media.stills.sequence import PICTURE_SUFFIXES
from vst.media.stills.write import STILL_SUFFIXES
from vst.pipeline.output_path import written_suffix

_log = logging.getLogger(__name__)

LOCK_NAME = ".vst-batch.lock"
"""File in an output folder that one batch at a time locks."""

_SEQUENCE_LENGTH = 24
"""From this many consecutive numbers on, pictures may be the frames of a clip."""

_NUMBERED = re.compile(r"(?P<head>.*?)(?P<number>\d{1,9})\.\w+")


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """What is in the folder of a batch.

    Attributes:
        files: The videos and pictures in the order of their paths, with the paths of their outputs.
        left_out: What is not rendered.
        unreadable: Folders that cannot be read, as files that fail, each with the reason.
    """

    files: tuple[BatchFile, ...]
    left_out: tuple[LeftOut, ...]
    unreadable: tuple[tuple[BatchFile, str], ...]


def find_files(
    source: Path, output: Path, codec: str | None = None, stop: threading.Event | None = None
) -> FoundFiles:
    """The media files below a folder, with the paths of their outputs; `search` says what is one.

    Args:
        source: The folder to search, with all its subfolders.
        output: The output folder; it gets the same structure.
        codec: The codec of the clips, which may need another container; None for each one's default.
        stop: Set it to end the search.

    Raises:
        UsageError: If the two folders are the same.
        MediaError: If the source is not a folder that can be read.
        Interrupted: If `stop` was set.
    """
    if not source.is_dir():
        if source.exists():
            raise MediaError(f"{source} is a file; give a folder, or use 'vst render'")
        raise MediaError(f"folder {source} does not exist{_nearest_folder(source)}")
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file; give a folder with -o")
    if os.path.realpath(output) == os.path.realpath(source):
        raise UsageError(f"{output} is the input folder; give another one with -o")
    found = search(source, output, stop)
    chosen = {path: _output_suffix(source / path, codec) for path in found.media}
    names = _different({path: path.with_suffix(suffix) for path, (suffix, _) in chosen.items()})
    files = tuple(
        BatchFile(name.as_posix(), source / path, output / name, not chosen[path][1])
        for path, name in names.items()
    )
    unreadable = tuple(
        (BatchFile(f"{path.as_posix()}/", source / path, output / path), reason)
        for path, reason in found.unreadable
    )
    return FoundFiles(files, tuple(found.left_out), unreadable)


def _output_suffix(source: Path, codec: str | None) -> tuple[str, bool]:
    """The suffix of an output, and whether options for video apply to it.

    It is the suffix that `vst render` would choose. If that container cannot hold the codec, it is the
    first one that can. A codec of video is not for pictures, animated or not; one of animated pictures is
    for everything that moves.
    """
    suffix = written_suffix(source)
    if codec in ANIMATIONS:
        if is_still(source):
            return suffix, False
        suffixes = ANIMATIONS[codec].suffixes
    elif suffix.lower() in STILL_SUFFIXES:
        return suffix, False
    elif codec is None:
        return suffix, True
    else:
        suffixes = tuple(f".{name}" for name in codec_named(codec).containers)
    return suffix if suffix.lower() in suffixes else suffixes[0], True


def _different(natural: dict[Path, Path]) -> dict[Path, Path]:
    """The path of each file's output, no two the same.

    A file that keeps its name has it. clip.ts and clip.mkv would both become clip.mkv: the first becomes
    clip.ts.mkv.
    """
    taken = {path for path, name in natural.items() if path == name}
    taken |= {folder for path in natural for folder in path.parents}
    claims = Counter(str(name).casefold() for name in natural.values())
    names = {}
    for path, name in natural.items():
        if path != name:
            if claims[str(name).casefold()] > 1 or name in taken:
                name = path.with_name(path.name + name.suffix)
            number = 2
            while name in taken:
                name = path.with_name(f"{path.name}-{number}{name.suffix}")
                number += 1
            taken.add(name)
        names[path] = name
    return names


def warn_of_sequences(files: Iterable[BatchFile]) -> None:
    """Say which pictures of a folder may be the frames of one clip."""
    for pattern, count in numbered_pictures([file.source for file in files]):
        _log.warning(
            "%s: %d pictures, each rendered by itself; if they are the frames of a clip, render them with "
            "'vst render' and this pattern",
            pattern,
            count,
        )


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
