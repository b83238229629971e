"""Whether the clip and the weights of a job are those that it was planned with."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vst.errors import MediaError, WeightsError
from vst.files import file_digest
from vst.media import ClipInfo
from vst.media.file_errors import reason_of


@dataclass(frozen=True)
class InputDigests:
    """What is recorded of the files of a clip.

    Attributes:
        times: SHA-256 of their names, sizes and modification times.
        contents: SHA-256 of their contents.
    """

    times: str
    contents: str


def input_digests(clip: ClipInfo) -> InputDigests:
    """Record a clip. All of its bytes are read.

    Raises:
        MediaError: It cannot be read.
    """
    files = _files_of(clip)
    try:
        return InputDigests(_times_digest(files), _contents_digest(files))
    except OSError as error:
        raise MediaError(f"{clip.path} cannot be read: {reason_of(error)}") from error


def check_inputs(clip: ClipInfo, recorded: InputDigests) -> None:
    """Refuse a clip that has changed. Its bytes are read only if sizes or times have changed.

    Raises:
        MediaError: It has changed, or cannot be read.
    """
    files = _files_of(clip)
    try:
        if _times_digest(files) == recorded.times or _contents_digest(files) == recorded.contents:
            return
    except OSError as error:
        raise MediaError(f"{clip.path} cannot be read: {reason_of(error)}") from error
    raise MediaError(
        f"{clip.path} has changed since the job was planned: restore it, or plan the job again"
    )


def weight_digests(files: Iterable[Path]) -> dict[str, str]:
    """The SHA-256 of each weight file, by its name."""
    return {path.name: _weights_digest(path) for path in files}


def check_weights(files: Iterable[Path], recorded: dict[str, str]) -> None:
    """Refuse weights that are not those of the job.

    Raises:
        WeightsError: A file is another one, or has changed.
    """
    found = list(files)
    for path in found:
        if path.name not in recorded:
            expected = ", ".join(recorded) or "none"
            raise WeightsError(
                f"{path} has the style here, but the job was planned with {expected}: give the folder of "
                "those weights to every machine (VST_WEIGHTS), or plan the job again"
            )
        if _weights_digest(path) != recorded[path.name]:
            raise WeightsError(
                f"{path} is not the file that the job was planned with: restore it, or plan the job again"
            )


def _weights_digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {reason_of(error)}") from error


def _files_of(clip: ClipInfo) -> Sequence[Path]:
    return clip.sequence.files if clip.sequence else (clip.path,)


def _times_digest(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        status = path.stat()
        digest.update(os.fsencode(f"{path.name}\n{status.st_size}\n{status.st_mtime_ns}\n"))
    return digest.hexdigest()


def _contents_digest(files: Sequence[Path]) -> str:
    return hashlib.sha256("\n".join(map(file_digest, files)).encode()).hexdigest()
