"""The transaction of one segment, for outputs whose segments are rendered by several processes."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vst.errors import MediaError
from vst.media.file_errors import writing_error
from vst.media.segments.disk_space import MIN_FREE
from vst.media.segments.output_lock import OutputLock
from vst.media.segments.transaction import OutputTransaction
from vst.media.segments.work_folder import Segment, WorkFolder


@dataclass(frozen=True)
class Part:
    """One segment of an output, to be written on its own.

    Attributes:
        index: Position of the segment in the output, from 0.
        description: The description of the render in its work folder.
    """

    index: int
    description: Mapping[str, Any]


class SegmentTransaction(OutputTransaction):
    """One segment, from opening to its record in the work folder of the output.

    The files are written to a folder of their own within the work folder, and moved when they are complete.
    So two processes that write the same segment do no harm, even on a disk without locks: both write the
    same bytes.

    Args:
        path: The final name of the output, or the pattern of an image sequence.
        check: As for `OutputTransaction`, like the following.
        part: Which segment.
        overwrite: Whether the output may be replaced in the end.
        min_free: Bytes of the disk that have to stay free.
        stop: Set to end a pause because of low disk space.
        is_folder: Whether the output is an image sequence.
    """

    joins = False

    def __init__(
        self,
        path: Path,
        check: Callable[[bool], None],
        *,
        part: Part,
        overwrite: bool,
        min_free: int = MIN_FREE,
        stop: threading.Event | None = None,
        is_folder: bool = False,
    ) -> None:
        super().__init__(
            path,
            check,
            overwrite=overwrite,
            resumable=True,
            min_free=min_free,
            stop=stop,
            is_folder=is_folder,
        )
        self._part, self._whole = part, self.work
        self._prefix = f"part-{part.index:05d}-"
        self.work = WorkFolder(self._whole.folder / f"{self._prefix}{secrets.token_hex(4)}")
        self._lock = OutputLock(path, shared=True)
        self._segment_lock = OutputLock(
            path.with_name(f"segment {part.index} of {path.name}"),
            "worker",
            file=self._whole.folder / f"segment-{part.index:05d}.lock",
            advice="render another segment",
        )

    @property
    def next_index(self) -> int:
        """Position of the segment."""
        return self._part.index

    def acquire(self) -> None:
        """Check the free disk space, and lock the segment.

        Raises:
            MediaError: If the disk is nearly full, another process has the segment or the whole output, or
                the work folder belongs to another render.
        """
        self.disk.check()
        try:
            if self._is_folder:
                self.path.parent.mkdir(exist_ok=True)
            self._lock.acquire()
            self._check_output()
            if not self._whole.ensure(dict(self._part.description)):
                raise MediaError(
                    f"{self._whole.folder} belongs to another render of {self.path.name}: finish "
                    "that one, or remove the folder"
                )
            self._segment_lock.acquire()
            if self._segment_lock.excludes:
                # Nobody else writes this segment: what is there was left by a process that was killed.
                for left in self._whole.folder.glob(f"{self._prefix}*"):
                    shutil.rmtree(left, ignore_errors=True)
            self.work.folder.mkdir()
        except OSError as error:
            self.abort()
            raise writing_error(self.path, error) from error
        except MediaError:
            self.abort()
            raise

    def _segment_finished(self, segment: Segment) -> None:
        """Record the segment as finished in the work folder of the output."""
        self._whole.adopt(segment, self.work.folder)

    def abort(self) -> None:
        """Remove what is not finished; a finished segment stays."""
        self.done = True
        self.work.remove()
        self._segment_lock.release()
        self._lock.release()
