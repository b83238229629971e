"""The output transaction: everything between opening an output and giving it its final name."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

from vst.errors import MediaError
from vst.files import hidden_name, is_name_too_long
from vst.media.file_errors import writing_error
from vst.media.segments.disk_space import MIN_FREE, DiskSpace
from vst.media.segments.output_lock import OutputLock
from vst.media.segments.work_folder import Save, Segment, WorkFolder

INCOMPLETE = ".incomplete"
"""Before the extension of a file that does not have the whole clip."""


def incomplete_name(path: Path) -> Path:
    """``clip.incomplete.mov`` for ``clip.mov``, with a number if that exists; a long name is cut."""
    stem = path.stem
    while is_name_too_long(f"{stem}-1000{INCOMPLETE}{path.suffix}"):
        stem = stem[:-1]
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    candidates = (path.with_name(f"{name}{INCOMPLETE}{path.suffix}") for name in names)
    return next(each for each in candidates if not os.path.lexists(each))


def work_folder_of(path: Path, work_dir: Path | None = None, *, is_folder: bool = False) -> WorkFolder:
    """The work folder of an output.

    Args:
        path: The final name, or the pattern of an image sequence.
        work_dir: The folder in which it is; None for the folder of the output.
        is_folder: Whether the output is an image sequence.
    """
    parent = path.parent if work_dir is None else work_dir
    return WorkFolder(parent / hidden_name(path.name, ".vst-work"), path.parent if is_folder else None)


class OutputTransaction:
    """One output, from opening to its final name; nothing incomplete ever has the final name.

    A writer puts frames into it and either commits or aborts it. The transaction owns

    - the lock, so that one writer at a time writes the output;
    - the work folder with the finished segments, and which of them are kept after an error;
    - the temporary name of the file, and the atomic rename to its final name;
    - the check of free disk space;
    - the output folder of an image sequence, if it had to be created.

    Args:
        path: The final name, or the pattern of an image sequence.
        check: Checks that the output can be written, called with whether an existing one may be replaced.
        overwrite: Whether to replace an existing output.
        resumable: Whether finished segments are kept after an error.
        work_dir: The folder in which the hidden work folder is created; None for the folder of the output.
        min_free: Bytes of the disk that have to stay free.
        stop: Set to end a pause because of low disk space.
        is_folder: Whether the output is an image sequence, whose pictures are moved from the work folder to
            the folder of `path`.

    Raises:
        MediaError: From `check`.
        UsageError: From `check`.
    """

    joins = True
    """Whether the finished segments are joined by this transaction."""

    def __init__(
        self,
        path: Path,
        check: Callable[[bool], None],
        *,
        overwrite: bool,
        resumable: bool,
        work_dir: Path | None = None,
        min_free: int = MIN_FREE,
        stop: threading.Event | None = None,
        is_folder: bool = False,
    ) -> None:
        self.path = path
        """The final name."""
        parent = path.parent if work_dir is None else work_dir
        self.work = work_folder_of(path, work_dir, is_folder=is_folder)
        """The work folder."""
        self.segments: list[Segment] = []
        """The finished segments, those of an earlier run included."""
        self.disk = DiskSpace(parent, path.parent, min_free, stop=stop)
        """The check of free disk space."""
        self.done = False
        """Whether it has been committed or aborted."""
        self._check, self._overwrite, self._resumable = check, overwrite, resumable
        self._is_folder = is_folder
        self._created_folder = self._started = False
        self._lock = OutputLock(path)
        self._check_output()

    @property
    def temporary(self) -> Path:
        """The name of the file until it is complete."""
        return self.path.with_name(hidden_name(self.path.name, ".vst-part"))

    @property
    def kept_frames(self) -> int:
        """Number of frames that a later run can resume after."""
        return sum(segment.frames for segment in self.segments) if self._resumable else 0

    @property
    def next_index(self) -> int:
        """Position of the next segment in the output."""
        return len(self.segments)

    def acquire(self) -> None:
        """Check the free disk space and lock the output.

        Raises:
            MediaError: If the disk is nearly full, another writer has the output, or it has been written by
                another one since the first check.
        """
        self.disk.check()
        try:
            self._create_output_folder()
            self._lock.acquire()
            self._check_output()
        except OSError as error:
            raise writing_error(self.path, error) from error
        except MediaError:
            self._lock.release()
            self._remove_output_folder()
            raise

    def start(self, description: Mapping[str, Any] | None = None) -> list[str]:
        """Start with an empty work folder.

        Args:
            description: What the output depends on, as JSON values; a later run compares it.

        Returns:
            The names of files of an earlier run that were removed.

        Raises:
            MediaError: If the folder cannot be created, or something else has its name, or the output
                exists.
        """
        if self.work.is_publishing:
            self._check(self._overwrite)
        try:
            self._create_output_folder()
            removed = self.work.create(None if description is None else dict(description))
        except OSError as error:
            raise writing_error(self.path, error) from error
        self._started = True
        return removed

    def resume(self, segments: Sequence[Segment]) -> list[str]:
        """Continue after segments that an earlier run finished.

        Args:
            segments: The first finished segments in the work folder.

        Returns:
            The names of other files in the work folder, which are removed.
        """
        self._started = True
        self.segments = list(segments)
        return self.work.clear(segments)

    def finish_segment(
        self,
        pts: list[int],
        end: int,
        delay: int,
        *,
        files: Sequence[Path],
        shot: int,
        last: bool,
        save: Save | None,
        notes: Sequence[str],
        truncated: bool,
    ) -> None:
        """Record the next segment as finished; the arguments are those of `WorkFolder.finish`.

        Raises:
            MediaError: If something cannot be written.
        """
        try:
            segment = self.work.finish(
                self.next_index,
                pts,
                end,
                delay,
                files=files,
                shot=shot,
                last=last,
                save=save,
                notes=notes,
                truncated=truncated,
            )
            self._segment_finished(segment)
        except OSError as error:
            raise writing_error(self.path, error) from error
        self.segments.append(segment)

    def _segment_finished(self, segment: Segment) -> None:
        """Called with each segment that is recorded; for a transaction that keeps it elsewhere."""

    def commit_file(self, *, incomplete: bool = False) -> Path:
        """Rename the temporary file to the final name and delete the work folder.

        Args:
            incomplete: Whether to use `incomplete_name` instead, because part of the clip is missing.

        Returns:
            The finished file.

        Raises:
            OSError: If it cannot be renamed.
        """
        with self.temporary.open("rb") as file:
            os.fsync(file.fileno())
        target = incomplete_name(self.path) if incomplete else self.path
        os.replace(self.temporary, target)
        self._end()
        self.path = target
        return target

    def commit_pictures(self) -> Path:
        """Move all pictures to their final names and delete the work folder.

        If it is interrupted, a later run finds the pictures under either name and completes it.

        Returns:
            The pattern.

        Raises:
            OSError: If a picture cannot be moved.
        """
        if self._resumable:
            self.work.begin_publishing()
        for segment in self.segments:
            for name, _, _ in segment.files:
                source, target = self.work.folder / name, self.path.with_name(name)
                if source.exists() or not target.exists():
                    os.replace(source, target)
        self._end()
        return self.path

    def abort(self) -> None:
        """Remove everything except, if resumable, the finished segments; no effect after a commit."""
        if not self.done and self._started:
            if self.kept_frames:
                self.work.clear(self.segments)
            else:
                self.work.remove()
        self.temporary.unlink(missing_ok=True)
        self._lock.release()
        if not self.done:
            self._remove_output_folder()
        self.done = True

    def _end(self) -> None:
        self.done = True
        self.work.remove()
        self._lock.release()

    def _check_output(self) -> None:
        # Pictures that an interrupted commit of this output has moved may be replaced.
        self._check(self._overwrite or (self._resumable and self.work.is_publishing))

    def _create_output_folder(self) -> None:
        if self._is_folder and not self.path.parent.is_dir():
            self.path.parent.mkdir()
            self._created_folder = True

    def _remove_output_folder(self) -> None:
        if self._created_folder:
            try:
                self.path.parent.rmdir()
            except OSError:
                return
