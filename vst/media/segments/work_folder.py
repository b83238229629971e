"""The work folder of a render: the finished segments, so that a stopped render loses at most one segment.

Each segment has files (encoded video, or pictures), a record that describes them, and possibly a snapshot
of the stylizer after its last frame. The record is written last, by an atomic rename, after everything else
has reached the disk: a segment is finished if and only if it has a record and its files match it. Only
JSON, safetensors and media files are read from here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vst.files import make_anew

RECORD_FORMAT = 1
"""Version of the records; other versions are ignored."""

MAX_RECORD_BYTES = 16 * 2**20

DESCRIPTION = "render.json"
"""The file with the description of the render."""

PUBLISHING = "publishing"
"""The file that marks that pictures are being moved to their final names."""

TRIAL = "trial"
"""The folder of an output on trial."""

Save = Callable[[Path], None]
"""Writes a snapshot of the stylizer to a file."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One finished segment.

    Attributes:
        index: Its position in the render, from 0.
        frames: Number of frames.
        pts: Their timestamps in presentation order, in the output's time base; for pictures, frame indices.
        end: End of the last frame, in the same unit.
        delay: The largest number of positions by which decoding order is ahead of presentation order.
        shot: Index of the first frame of its shot, if known.
        last: Whether it is the last segment.
        files: Name, size and SHA-256 of each file.
        state: The same for the snapshot after its last frame; None if there is none.
        notes: The writer's notes up to its end.
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
        folder: Its path.
        published: The folder to which its files are moved in the end, under the same names. A file that is
            there already counts as being here. None for a video, whose segments are joined.
    """

    def __init__(self, folder: Path, published: Path | None = None) -> None:
        self.folder = folder
        self._published = published

    def video(self, index: int) -> Path:
        """The encoded video of a segment."""
        return self.folder / f"segment-{index:05d}.video"

    def record(self, index: int) -> Path:
        """The record of a segment."""
        return self.folder / f"segment-{index:05d}.json"

    def state(self, index: int) -> Path:
        """The snapshot after a segment."""
        return self.folder / f"segment-{index:05d}.safetensors"

    def create(self, description: dict[str, Any] | None = None) -> list[str]:
        """Create the folder; anything in it is removed.

        Args:
            description: What the output depends on, as JSON values.

        Returns:
            The names of what was removed.

        Raises:
            MediaError: If something other than a folder has its name.
            OSError: If it cannot be created.
        """
        removed = sorted(os.listdir(self.folder)) if self.folder.is_dir() else []
        make_anew(self.folder)
        if description is not None:
            self._write_json(self.folder / DESCRIPTION, {"format": RECORD_FORMAT, "render": description})
        return removed

    @contextlib.contextmanager
    def trial(self) -> Iterator[WorkFolder]:
        """An empty work folder within this one, removed at the end of the block, for an output on trial.

        What a killed process left of it is replaced by the next one.

        Raises:
            MediaError: If something other than a folder has its name.
            OSError: If it cannot be created.
        """
        inner = WorkFolder(self.folder / TRIAL)
        if not self.folder.is_dir():
            make_anew(self.folder)
        make_anew(inner.folder)
        try:
            yield inner
        finally:
            inner.remove()
            with contextlib.suppress(OSError):
                self.folder.rmdir()  # unless it has segments

    def ensure(self, description: dict[str, Any]) -> bool:
        """Create the folder and its description, if they do not exist.

        Several processes may do this at the same time, with the same description.

        Returns:
            Whether the folder has this description: not if it belongs to another render.

        Raises:
            OSError: If it cannot be created.
        """
        self.folder.mkdir(exist_ok=True)
        found = self.description()
        if found is None:
            self._write_json(self.folder / DESCRIPTION, {"format": RECORD_FORMAT, "render": description})
            return True
        return found == description

    def remove(self) -> None:
        """Delete the folder and everything in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def description(self) -> dict[str, Any] | None:
        """The description given to `create`; None if it is missing or cannot be read."""
        record = _read_json(self.folder / DESCRIPTION)
        if not isinstance(record, dict) or record.get("format") != RECORD_FORMAT:
            return None
        description = record.get("render")
        return description if isinstance(description, dict) else None

    def begin_publishing(self) -> None:
        """Record that all frames are written and that files are being moved to their final names.

        Raises:
            OSError: If that cannot be written.
        """
        self._write_json(self.folder / PUBLISHING, True)

    @property
    def is_publishing(self) -> bool:
        """Whether files may have been moved to their final names already."""
        return (self.folder / PUBLISHING).exists()

    def finished(self) -> list[Segment]:
        """The finished segments, up to the first that is missing or does not match its record.

        All files are read and their hashes compared.
        """
        segments: list[Segment] = []
        while (segment := self.segment(len(segments))) is not None:
            segments.append(segment)
        return segments

    def has_state(self, segment: Segment) -> bool:
        """Whether the snapshot after a segment exists and matches its record."""
        return segment.state is not None and _matches(self.folder, segment.state)

    def clear(self, segments: Sequence[Segment]) -> list[str]:
        """Delete everything that does not belong to these segments, and return its names."""
        known = {DESCRIPTION, PUBLISHING, *(self.record(segment.index).name for segment in segments)}
        known.update(name for segment in segments for name, _, _ in segment.files)
        known.update(segment.state[0] for segment in segments if segment.state is not None)
        unknown = sorted(entry.name for entry in os.scandir(self.folder) if entry.name not in known)
        for name in unknown:
            path = self.folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        return unknown

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
        truncated: bool = False,
    ) -> Segment:
        """Record a segment as finished, once its files are closed.

        Args:
            index: As in `Segment`, like the following.
            pts: Timestamps.
            end: End of the last frame.
            delay: In positions.
            files: Its files, in this folder.
            shot: Index of the first frame of its shot.
            last: Whether it is the last segment.
            save: Writes the snapshot of the stylizer after the segment.
            notes: The writer's notes so far.
            truncated: Whether it ends early because the source is damaged: it is part of this output, but
                gets no record, so a later run renders it again.

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
            [_synced(path) for path in files],
            None if save is None else _synced(self.state(index)),
            list(map(str, notes)),
        )
        if truncated:
            return segment
        self._write_json(self.record(index), asdict(segment))
        if index:
            # The latest snapshot is enough: a render that has to go back further starts at the shot.
            self.state(index - 1).unlink(missing_ok=True)
        return segment

    def segment(self, index: int) -> Segment | None:
        """A finished segment; None if it is missing or does not match its record."""
        segment = self.recorded(index)
        if segment is None:
            return None
        for stored in segment.files:
            moved = self._published is not None and _matches(self._published, stored)
            if not moved and not _matches(self.folder, stored):
                return None
        return segment

    def recorded(self, index: int) -> Segment | None:
        """The record of a segment; None if it is missing or not valid. Its files are not read."""
        segment = _segment_of(_read_json(self.record(index)))
        return segment if segment is not None and segment.index == index else None

    def adopt(self, segment: Segment, source: Path) -> None:
        """Take a segment that was finished in another folder of the same disk.

        Args:
            segment: The segment; its files have reached the disk.
            source: The folder.

        Raises:
            OSError: If a file cannot be moved.
        """
        for name, _, _ in (*segment.files, *(() if segment.state is None else (segment.state,))):
            os.replace(source / name, self.folder / name)
        self._write_json(self.record(segment.index), asdict(segment))

    def _write_json(self, path: Path, values: Any) -> None:
        # Two processes may write the same record at the same time.
        part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        with part.open("w", encoding="utf-8") as out:
            json.dump(values, out)
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, path)
        _sync_folder(self.folder)


def _synced(path: Path) -> tuple[str, int, str]:
    """Name, size and hash of a file, once it has reached the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return path.name, file.seek(0, os.SEEK_END), digest


def _sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, where the system supports it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _matches(folder: Path, stored: tuple[str, int, str]) -> bool:
    """Whether a folder has a file with this name, size and hash."""
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
    """The contents of a JSON file; None if it is missing or not JSON."""
    try:
        with path.open("rb") as file:
            return json.loads(file.read(MAX_RECORD_BYTES))
    except (OSError, ValueError, RecursionError):
        return None


def _segment_of(record: Any) -> Segment | None:
    """The segment of a record, or None if anything in the record is not valid."""
    try:
        values = dict(record)
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
    valid = segment.frames == len(segment.pts) > 0 and segment.files and isinstance(segment.last, bool)
    return segment if valid else None


def _stored(values: Any) -> tuple[str, int, str]:
    name, size, digest = values
    if not (isinstance(name, str) and type(size) is int and isinstance(digest, str)):
        raise ValueError("expected name, size and hash of a file")
    if name != Path(name).name or name in ("", ".", ".."):
        raise ValueError("expected a file name without a folder")
    return name, size, digest
