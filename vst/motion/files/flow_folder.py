"""A folder with the motion of a clip: its layout, its metadata, and how it is written.

Frames are numbered from 1. ``forward/000001.png`` is the flow of frame 1 -> 2 and ``backward/000002.png``
that of 2 -> 1, each ``.png`` (``flow_png``) or ``.flo``. ``mask/000002.png`` tells where frame 1 can be
trusted for frame 2. Motion over another distance, such as four frames, is in ``backward-4`` and ``mask-4``,
for the frames that have it. No motion crosses a cut. ``flow.json`` is the metadata.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from torch import Tensor

from vst.errors import MediaError
from vst.files import hidden_name, make_anew
from vst.motion.analysis import Analysed
from vst.motion.files.flo import write_flo
from vst.motion.files.flow_png import fits_png, write_flow_png, write_mask_png

METADATA_NAME = "flow.json"

FLOW_FORMATS = ("png", "flo")
"""File formats of flow: 16-bit PNG in steps of 1/64 pixel, or exact."""

_VERSION = 1
_MAX_METADATA_SIZE = 64 * 2**20
_HASHED_SIZE = 2**20
_OWN_NAMES = re.compile(r"(forward|backward|mask)(-\d+)?|flow\.json")


@dataclass(frozen=True, slots=True)
class FileFingerprint:
    """Identifies the contents of a file, independently of its folder.

    Attributes:
        name: The name without the folder; for messages only.
        size: Bytes.
        digest: SHA-256 of the first and last MiB, 64 hexadecimal digits.
    """

    name: str
    size: int
    digest: str

    def same_contents(self, other: FileFingerprint) -> bool:
        """Whether the contents are the same; names may differ."""
        return (self.size, self.digest) == (other.size, other.digest)


@dataclass(frozen=True, slots=True)
class FlowMetadata:
    """The metadata of a flow folder.

    Attributes:
        frames: Number of frames of the clip.
        width: Width at which motion was estimated.
        height: Height at which motion was estimated.
        shots: Numbers of the frames, from 1, at which shots begin.
        distances: Distances at which motion was estimated, in frames.
        further: Distance -> numbers of the frames that have motion over it; only distances above 1.
        estimator: Name of the estimator.
        source: Fingerprint of the clip.
    """

    frames: int
    width: int
    height: int
    shots: tuple[int, ...]
    distances: tuple[int, ...]
    further: Mapping[int, frozenset[int]]
    estimator: str
    source: FileFingerprint


def flow_path(folder: Path, kind: str, number: int, extension: str, distance: int = 1) -> Path:
    """The path of one file of a flow folder.

    Args:
        folder: The folder.
        kind: ``"forward"``, ``"backward"`` or ``"mask"``.
        number: Number of the frame on whose grid it is, from 1.
        extension: Without its dot.
        distance: Distance of the two frames, in frames.
    """
    return folder / (kind if distance == 1 else f"{kind}-{distance}") / f"{number:06}.{extension}"


def file_fingerprint(path: Path) -> FileFingerprint:
    """The fingerprint of a file.

    Raises:
        MediaError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.sha256(file.read(_HASHED_SIZE))
            file.seek(max(size - _HASHED_SIZE, 0))
            digest.update(file.read(_HASHED_SIZE))
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror or error}") from error
    return FileFingerprint(path.name, size, digest.hexdigest())


def read_flow_metadata(folder: Path) -> FlowMetadata | None:
    """The metadata of a flow folder; None if it has none, as a folder of another program.

    Raises:
        MediaError: The metadata cannot be read, or is damaged.
    """
    path = folder / METADATA_NAME
    try:
        with path.open(encoding="utf-8") as file:
            content = json.loads(file.read(_MAX_METADATA_SIZE))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise MediaError(f"{path} is damaged: run 'vst flow' again") from error
    try:
        return _parse(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MediaError(f"{path} is damaged, or of another version: run 'vst flow' again") from error


def _parse(content: Any) -> FlowMetadata:
    if content["format"] != _VERSION:
        raise ValueError("format")
    source = content["source"]
    return FlowMetadata(
        frames=_natural(content["frames"]),
        width=_natural(content["width"]),
        height=_natural(content["height"]),
        shots=tuple(map(_natural, content["shots"])),
        distances=tuple(map(_natural, content["distances"])),
        further={int(key): frozenset(map(_natural, value)) for key, value in content["further"].items()},
        estimator=str(content["estimator"]),
        source=FileFingerprint(str(source["name"]), _natural(source["bytes"]), str(source["sha256"])),
    )


def _natural(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("expected a whole number")
    return value


def check_flow_folder(folder: Path, overwrite: bool) -> None:
    """Check that flow can be written to a folder.

    Raises:
        MediaError: It is a file, contains flow that may not be replaced, or contains something else.
    """
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    except NotADirectoryError as error:
        raise MediaError(f"{folder} is a file; expected a folder after -o") from error
    except OSError as error:
        raise MediaError(f"folder {folder} cannot be used: {error.strerror or error}") from error
    others = [name for name in names if not _OWN_NAMES.fullmatch(name)]
    if others or (names and METADATA_NAME not in names):
        other = (others or names)[0]
        raise MediaError(
            f"{folder} contains other files ({other}): choose an empty or a new folder with -o"
        )
    if names and not overwrite:
        raise MediaError(f"{folder} contains flow: pass -y to replace it, or choose another folder with -o")


class FlowWriter:
    """Writes the motion of one clip to a folder, which gets its name only when it is complete.

    As a context manager it removes the unfinished folder at the end; call ``finish`` first.

    Args:
        folder: The folder; missing parents are created.
        file_format: One of ``FLOW_FORMATS``. Flow that does not fit into 16 bits is always written as
            ``.flo``.
        overwrite: Whether existing flow is replaced.

    Raises:
        MediaError: The folder cannot be written. The methods may raise it too.
    """

    def __init__(self, folder: Path, file_format: str = "png", *, overwrite: bool = False) -> None:
        if file_format not in FLOW_FORMATS:
            raise ValueError(f"flow format is {file_format!r}; expected one of {', '.join(FLOW_FORMATS)}")
        check_flow_folder(folder, overwrite)
        self._folder = folder
        self._file_format = file_format
        self._target = folder.resolve()
        self._part = self._target.with_name(hidden_name(self._target.name, ".vst-part"))
        self._old = self._target.with_name(hidden_name(self._target.name, ".vst-old"))
        self._shots: list[int] = []
        self._further: dict[int, list[int]] = {}
        self._frames = self._width = self._height = 0
        self._made: set[Path] = set()
        try:
            make_anew(self._part)
        except OSError as error:
            raise self._failure(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._part, ignore_errors=True)

    def add(self, analysed: Analysed) -> None:
        """Write the motions of the next frame.

        Raises:
            MediaError: The disk is full, or cannot be written.
        """
        frame = analysed.tracked.frame
        number = frame.index + 1
        self._frames = number
        self._height, self._width = frame.image.shape[-2:]
        if analysed.tracked.new_shot:
            self._shots.append(number)
        for distance, motion in analysed.tracked.motions.items():
            # Not the estimate: over more than one frame that has half the resolution.
            self._write_flow("backward", number, motion.flow, distance)
            if distance == 1:
                self._write_flow("forward", number - 1, analysed.pairs[1][1])
            else:
                self._further.setdefault(distance, []).append(number)
            write_mask_png(self._path("mask", number, "png", distance), motion.mask)

    def _write_flow(self, kind: str, number: int, flow: Tensor, distance: int = 1) -> None:
        if self._file_format == "png" and fits_png(flow):
            write_flow_png(self._path(kind, number, "png", distance), flow)
        else:
            write_flo(self._path(kind, number, "flo", distance), flow)

    def _path(self, kind: str, number: int, extension: str, distance: int) -> Path:
        path = flow_path(self._part, kind, number, extension, distance)
        if path.parent not in self._made:
            try:
                path.parent.mkdir(exist_ok=True)
            except OSError as error:
                raise self._failure(error) from error
            self._made.add(path.parent)
        return path

    def finish(self, estimator: str, distances: Sequence[int], source: FileFingerprint) -> None:
        """Write the metadata and give the folder its name.

        Args:
            estimator: Name of the estimator.
            distances: Distances at which motion was estimated, in frames.
            source: Fingerprint of the clip.

        Raises:
            MediaError: The disk is full, or cannot be written.
        """
        metadata = {
            "format": _VERSION,
            "frames": self._frames,
            "width": self._width,
            "height": self._height,
            "shots": self._shots,
            "distances": list(distances),
            "further": self._further,
            "estimator": estimator,
            "source": {"name": source.name, "bytes": source.size, "sha256": source.digest},
        }
        try:
            (self._part / METADATA_NAME).write_text(json.dumps(metadata) + "\n", encoding="utf-8")
            shutil.rmtree(self._old, ignore_errors=True)
            if self._target.exists():
                self._target.rename(self._old)
            self._part.rename(self._target)
        except OSError as error:
            raise self._failure(error) from error
        shutil.rmtree(self._old, ignore_errors=True)

    def _failure(self, error: OSError) -> MediaError:
        return MediaError(f"cannot write flow to {self._folder}: {error.strerror or error}")
