"""One writer per output: a file lock that the system releases when its process ends, even by SIGKILL."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from vst.errors import MediaError, OutputInUse
from vst.files import hidden_name
from vst.media.file_errors import reason_of

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int, shared: bool) -> None:
        if not shared:  # this system has no shared locks
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(descriptor: int, shared: bool) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


_HELD_ERRORS = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
"""Errors of a lock that another process holds; other errors mean that the disk has no locks."""


class OutputLock:
    """A lock that is held while an output is written; a second lock for the same output is refused.

    The lock is on a hidden file beside the output. The existence of that file means nothing: only a running
    process holds the lock, so the file of a killed process blocks nobody. On disks without file locks (some
    network disks) nothing is locked.

    Args:
        output: The file or folder to write.
        what: What else may hold the lock, for the error text.
        file: The lock file, if it is not the hidden file beside the output.
        shared: Whether others may hold it too, if theirs is shared. Then the lock file stays: another
            holder may have it open.
        advice: What to do if it is held, for the error text.
    """

    def __init__(
        self,
        output: Path,
        what: str = "render",
        *,
        file: Path | None = None,
        shared: bool = False,
        advice: str = "choose another output with -o",
    ) -> None:
        self.path = file or output.with_name(hidden_name(output.name, ".vst-lock"))
        self.excludes = False
        """Whether it is held, and the disk has locks."""
        self._output, self._what, self._shared, self._advice = output, what, shared, advice
        self._file: BinaryIO | None = None

    def acquire(self) -> None:
        """Acquire the lock.

        Raises:
            OutputInUse: If another process, or another writer in this process, holds it.
            MediaError: If the lock file cannot be created.
        """
        while self._file is None:
            file = self._open()
            try:
                _take(file.fileno(), self._shared)
                self.excludes = True
            except OSError as error:
                if error.errno in _HELD_ERRORS:
                    file.close()
                    raise OutputInUse(
                        f"{self._output} is being written by another {self._what}: wait for it, or "
                        f"{self._advice}"
                    ) from error
            # The previous holder may have removed the file between the opening and the locking.
            if self._is_current(file):
                self._file = file
            else:
                file.close()

    def release(self) -> None:
        """Release the lock and delete its file."""
        file, self._file = self._file, None
        self.excludes = False
        if file is None:
            return
        with contextlib.closing(file):
            if self._shared:
                return
            if sys.platform == "win32":
                file.close()  # an open file cannot be removed there
            with contextlib.suppress(OSError):
                self.path.unlink()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _open(self) -> BinaryIO:
        try:
            return self.path.open("a+b")  # a shared lock on a network disk needs a readable file
        except OSError as error:
            raise MediaError(
                f"{self._output} cannot be written: {reason_of(error)}; choose another output with -o"
            ) from error

    def _is_current(self, file: BinaryIO) -> bool:
        """Whether the lock file's name still belongs to this open file."""
        try:
            current = os.stat(self.path)
        except FileNotFoundError:
            return False
        return sys.platform == "win32" or os.path.samestat(current, os.fstat(file.fileno()))
