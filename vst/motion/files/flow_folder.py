"""Motion of a clip on disk: where its files lie, and what the folder says of itself.

Frames are numbered from 1. ``forward/000001.png`` is the flow of frame 1 -> 2 and ``backward/000002.png``
that of 2 -> 1, both ``.png`` (``flow_png``) or ``.flo``; ``mask/000002.png`` tells where frame 1 can be
trusted for frame 2. Motion to frames further back lies in ``backward-4`` and ``mask-4`` by its distance,
for those frames that need it; there is none across a cut. ``flow.json`` describes the whole.
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
from vst.files import make_anew
from vst.motion.analysis import Analysed
from vst.motion.files.flo import write_flo
from vst.motion.files.flow_png import fits, write_flow_png, write_mask_png

RECORD = "flow.json"
FORMS = ("png", "flo")
"""How flow is kept: 16-bit PNG in steps of 1/64 pixel, or exact."""

_FORMAT = 1
_LARGEST_RECORD = 64 * 2**20
_SAMPLED = 2**20
_OURS = re.compile(r"(forward|backward|mask)(-\d+)?|flow\.json")


@dataclass(frozen=True, slots=True)
class Identity:
    """By which a file is known again, wherever it lies.

    Attributes:
        name: Its name, without the folder.
        size: In bytes.
        digest: SHA-256 of its first and last MiB, 64 hexadecimal digits.
    """

    name: str
    size: int
    digest: str

    def same_file(self, other: Identity) -> bool:
        """Whether the contents are the same, whatever the names."""
        return (self.size, self.digest) == (other.size, other.digest)


@dataclass(frozen=True, slots=True)
class FlowRecord:
    """What a folder of flow says of itself.

    Attributes:
        frames: Number of frames of the clip.
        width: Of the frames as they were analysed.
        height: Of the same.
        shots: Numbers of the frames, from 1, at which shots begin.
        distances: How far back motion was looked for.
        further: Distance -> numbers of the frames that have motion over it; only distances above 1.
        estimator: Whose flow it is.
        source: The clip.
    """

    frames: int
    width: int
    height: int
    shots: tuple[int, ...]
    distances: tuple[int, ...]
    further: Mapping[int, frozenset[int]]
    estimator: str
    source: Identity


def flow_path(folder: Path, kind: str, number: int, form: str, distance: int = 1) -> Path:
    """Where one file of the folder lies.

    Args:
        folder: The folder.
        kind: ``"forward"``, ``"backward"`` or ``"mask"``.
        number: Of the frame on whose grid it is, from 1.
        form: The extension without its dot.
        distance: How many frames lie between the two.
    """
    return folder / (kind if distance == 1 else f"{kind}-{distance}") / f"{number:06}.{form}"


def identity_of(path: Path) -> Identity:
    """A file's identity.

    Raises:
        MediaError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.sha256(file.read(_SAMPLED))
            file.seek(max(size - _SAMPLED, 0))
            digest.update(file.read(_SAMPLED))
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror or error}") from error
    return Identity(path.name, size, digest.hexdigest())


def read_record(folder: Path) -> FlowRecord | None:
    """What the folder says of itself; None where it says nothing, as one that another program made.

    Raises:
        MediaError: The record is there and cannot be read, or is damaged.
    """
    path = folder / RECORD
    try:
        with path.open(encoding="utf-8") as file:
            said = json.loads(file.read(_LARGEST_RECORD))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise MediaError(f"{path} is damaged: run 'vst flow' again") from error
    try:
        return _parse(said)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MediaError(f"{path} is damaged, or of another version: run 'vst flow' again") from error


def _parse(said: Any) -> FlowRecord:
    if said["format"] != _FORMAT:
        raise ValueError("format")
    source = said["source"]
    return FlowRecord(
        frames=_whole(said["frames"]),
        width=_whole(said["width"]),
        height=_whole(said["height"]),
        shots=tuple(map(_whole, said["shots"])),
        distances=tuple(map(_whole, said["distances"])),
        further={int(key): frozenset(map(_whole, value)) for key, value in said["further"].items()},
        estimator=str(said["estimator"]),
        source=Identity(str(source["name"]), _whole(source["bytes"]), str(source["sha256"])),
    )


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("expected a whole number")
    return value


def check_flow_folder(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that flow cannot be written to, before any work is done.

    Raises:
        MediaError: It is a file, holds flow already and may not be replaced, or holds something else.
    """
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    except NotADirectoryError as error:
        raise MediaError(f"{folder} is a file: -o wants a folder") from error
    except OSError as error:
        raise MediaError(f"folder {folder} cannot be used: {error.strerror or error}") from error
    others = [name for name in names if not _OURS.fullmatch(name)]
    if others or (names and RECORD not in names):
        what = (others or names)[0]
        raise MediaError(f"{folder} holds other things ({what}): choose a folder for flow alone with -o")
    if names and not overwrite:
        raise MediaError(f"{folder} holds flow already: pass -y to replace it, or choose another with -o")


class FlowWriter:
    """Writes the motion of one clip; the folder appears under its name only when it is whole.

    As a context manager it leaves nothing behind if the block raises; ``finish`` has to be called.

    Args:
        folder: Where to; its parents are made if need be.
        form: One of ``FORMS``. Flow that does not fit into 16 bits is written as ``.flo`` in any case.
        overwrite: Replace flow that is there.

    Raises:
        MediaError: The folder cannot be written, now or at any later step.
    """

    def __init__(self, folder: Path, form: str = "png", *, overwrite: bool = False) -> None:
        if form not in FORMS:
            raise ValueError(f"flow is written as {form!r}; expected one of {', '.join(FORMS)}")
        check_flow_folder(folder, overwrite)
        self._folder = folder
        self._form = form
        whole = folder.resolve()
        self._target = whole
        self._part = whole.with_name(f".{whole.name}.vst-part")
        self._old = whole.with_name(f".{whole.name}.vst-old")
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
            # Not the estimate: over more than a frame some of it is borrowed (vst.motion.infilling).
            self._flow("backward", number, motion.flow, distance)
            if distance == 1:
                self._flow("forward", number - 1, analysed.pairs[1][1])
            else:
                self._further.setdefault(distance, []).append(number)
            write_mask_png(self._place("mask", number, "png", distance), motion.mask)

    def _flow(self, kind: str, number: int, flow: Tensor, distance: int = 1) -> None:
        if self._form == "png" and fits(flow):
            write_flow_png(self._place(kind, number, "png", distance), flow)
        else:
            write_flo(self._place(kind, number, "flo", distance), flow)

    def _place(self, kind: str, number: int, form: str, distance: int) -> Path:
        path = flow_path(self._part, kind, number, form, distance)
        if path.parent not in self._made:
            try:
                path.parent.mkdir(exist_ok=True)
            except OSError as error:
                raise self._failure(error) from error
            self._made.add(path.parent)
        return path

    def finish(self, estimator: str, distances: Sequence[int], source: Identity) -> None:
        """Write the record and give the folder its name.

        Args:
            estimator: Whose flow it is.
            distances: How far back motion was looked for.
            source: The clip.

        Raises:
            MediaError: The disk is full, or cannot be written.
        """
        said = {
            "format": _FORMAT,
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
            (self._part / RECORD).write_text(json.dumps(said) + "\n", encoding="utf-8")
            shutil.rmtree(self._old, ignore_errors=True)
            if self._target.exists():
                self._target.rename(self._old)
            self._part.rename(self._target)
        except OSError as error:
            raise self._failure(error) from error
        shutil.rmtree(self._old, ignore_errors=True)

    def _failure(self, error: OSError) -> MediaError:
        return MediaError(f"flow cannot be written to {self._folder}: {error.strerror or error}")
