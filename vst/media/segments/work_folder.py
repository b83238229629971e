"""The work folder of a render: what is finished, so that one that is stopped loses a segment at most.

Each segment has files (encoded video, or pictures), perhaps a state from which painting goes on, and a
record that says what they are and hold. The record is written last, under its final name, after everything
else has reached the disk: a segment is finished exactly if it has one and its files are what that says.
Nothing is read from here but JSON, safetensors and media files.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vst.files import make_anew

FORMAT = 1
"""Of the records; others are not understood."""

LARGEST = 16 * 2**20
"""Bytes of a record at most."""

DESCRIPTION = "render.json"
PUBLISHING = "publishing"

Save = Callable[[Path], None]
"""Writes a state to a file."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One finished segment.

    Attributes:
        index: Its place in the render, from 0.
        frames: How many frames it has.
        pts: Their timestamps in order of presentation, in the output's time base; of pictures, indices.
        end: Where the last frame ends.
        delay: By how many places decoding order runs ahead of presentation order at most.
        shot: Index of the frame with which its shot begins, as far as that is known.
        last: Nothing comes after it.
        files: Name, size and SHA-256 of each file.
        state: The same of the state after its last frame; None where there is none.
        notes: What the writer had to say by then.
    """

    index: int
    frames: int
    pts: list[int]
    end: int
    delay: int
    shot: int = 0
    last: bool = False
    files: list[tuple[str, int, str]] = field(default_factory=list)
    state: tuple[str, int, str] | None = None
    notes: list[str] = field(default_factory=list)


class WorkFolder:
    """The work folder of one render.

    Args:
        folder: Where it is.
        published: Where its files go under the same names in the end, if they do: one that is there
            already counts as one that is here.
    """

    def __init__(self, folder: Path, published: Path | None = None) -> None:
        self.folder = folder
        self._published = published

    def video(self, index: int) -> Path:
        """The file of encoded video of a segment."""
        return self.folder / f"segment-{index:05d}.video"

    def record(self, index: int) -> Path:
        """The file that says that a segment is finished."""
        return self.folder / f"segment-{index:05d}.json"

    def state(self, index: int) -> Path:
        """The file from which painting goes on after a segment."""
        return self.folder / f"segment-{index:05d}.safetensors"

    def create(self, description: dict[str, Any] | None = None) -> list[str]:
        """Make the folder, with nothing in it but what the render is; says what was in it before.

        Raises:
            MediaError: If something else has its name.
            OSError: If it cannot be made.
        """
        gone = sorted(os.listdir(self.folder)) if self.folder.is_dir() else []
        make_anew(self.folder)
        if description is not None:
            self._write_json(self.folder / DESCRIPTION, {"format": FORMAT, "render": description})
        return gone

    def remove(self) -> None:
        """Delete the folder with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def description(self) -> dict[str, Any] | None:
        """What `create` was told; None where that cannot be read."""
        said = _read_json(self.folder / DESCRIPTION)
        if not isinstance(said, dict) or said.get("format") != FORMAT:
            return None
        described = said.get("render")
        return described if isinstance(described, dict) else None

    def begin_publishing(self) -> None:
        """Note that all is finished and files begin to get their final names.

        Raises:
            OSError: If that cannot be written.
        """
        self._write_json(self.folder / PUBLISHING, True)

    @property
    def is_publishing(self) -> bool:
        """Whether some files may have their final names already."""
        return (self.folder / PUBLISHING).exists()

    def finished(self) -> list[Segment]:
        """The finished segments, up to the first that is missing or is not what its record says.

        All files are read.
        """
        segments: list[Segment] = []
        while (segment := self._load(len(segments))) is not None:
            segments.append(segment)
        return segments

    def has_state(self, segment: Segment) -> bool:
        """Whether the state after a segment is there and what its record says."""
        return segment.state is not None and _is(self.folder, segment.state)

    def clear(self, segments: Sequence[Segment]) -> list[str]:
        """Delete everything that does not belong to these segments, and name it."""
        known = {DESCRIPTION, PUBLISHING, *(self.record(segment.index).name for segment in segments)}
        known.update(name for segment in segments for name, _, _ in segment.files)
        known.update(segment.state[0] for segment in segments if segment.state is not None)
        odd = sorted(entry.name for entry in os.scandir(self.folder) if entry.name not in known)
        for name in odd:
            path = self.folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        return odd

    def finish(
        self,
        index: int,
        pts: list[int],
        end: int,
        delay: int,
        *,
        files: Sequence[Path],
        shot: int = 0,
        last: bool = False,
        save: Save | None = None,
        notes: Sequence[str] = (),
        broken_off: bool = False,
    ) -> Segment:
        """Mark a segment as finished, once its files are closed.

        Args:
            index: See `Segment`; so are the others.
            pts: Timestamps.
            end: Of the last frame.
            delay: In places.
            files: In this folder.
            shot: Where it began.
            last: Nothing comes after it.
            save: Writes the state from which painting goes on.
            notes: For the user.
            broken_off: It ends before its time: it serves now, but a later run does it again.

        Raises:
            OSError: If something cannot be written.
        """
        if save is not None:
            save(self.state(index))
        segment = Segment(
            index,
            len(pts),
            pts,
            end,
            delay,
            shot,
            last,
            [_settled(path) for path in files],
            None if save is None else _settled(self.state(index)),
            list(notes),
        )
        if broken_off:
            return segment
        self._write_json(self.record(index), asdict(segment))
        if index:
            # One is enough: whoever has to go back further paints again from the shot's beginning.
            self.state(index - 1).unlink(missing_ok=True)
        return segment

    def _load(self, index: int) -> Segment | None:
        segment = _segment_of(_read_json(self.record(index)))
        if segment is None or segment.index != index:
            return None
        for stored in segment.files:
            if not _is(self.folder, stored) and not (self._published and _is(self._published, stored)):
                return None
        return segment

    def _write_json(self, path: Path, values: Any) -> None:
        part = path.with_name(f"{path.name}.part")
        with part.open("w", encoding="utf-8") as out:
            json.dump(values, out)
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, path)
        _settle_folder(self.folder)


def _settled(path: Path) -> tuple[str, int, str]:
    """Name, size and hash of a file that has reached the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return path.name, file.seek(0, os.SEEK_END), digest


def _settle_folder(folder: Path) -> None:
    """Names reach the disk too, where the system can see to it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _is(folder: Path, stored: tuple[str, int, str]) -> bool:
    """Whether a folder has a file as it was stored."""
    name, size, digest = stored
    try:
        with (folder / name).open("rb") as file:
            if file.seek(0, os.SEEK_END) != size:
                return False
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False


def _read_json(path: Path) -> Any:
    """What a file says, None for anything that is no JSON."""
    try:
        with path.open("rb") as file:
            return json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError):
        return None


def _segment_of(said: Any) -> Segment | None:
    """A record, if it is one; everything in it is doubted."""
    try:
        values = dict(said)
        values["files"] = [_stored(each) for each in values["files"]]
        values["state"] = None if values["state"] is None else _stored(values["state"])
        segment = Segment(**values)
    except (TypeError, ValueError, KeyError):
        return None
    counts = (segment.index, segment.frames, segment.delay, segment.shot)
    if not all(type(each) is int and each >= 0 for each in counts) or not isinstance(segment.pts, list):
        return None
    if not all(type(each) is int for each in (segment.end, *segment.pts)):
        return None
    if not isinstance(segment.notes, list) or not all(isinstance(each, str) for each in segment.notes):
        return None
    fits = segment.frames == len(segment.pts) > 0 and segment.files and isinstance(segment.last, bool)
    return segment if fits else None


def _stored(said: Any) -> tuple[str, int, str]:
    name, size, digest = said
    if not (isinstance(name, str) and type(size) is int and isinstance(digest, str)):
        raise ValueError("a file is described by name, size and hash")
    if name != Path(name).name or name in ("", ".", ".."):
        raise ValueError("a file lies in the folder itself")
    return name, size, digest
