"""One writer for each output: a lock that the system gives back when its process ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from vst.errors import MediaError

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_TAKEN = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
"""What the systems say of a lock that another has; anything else is a disk that knows no locks."""


class OutputLock:
    """Held while an output is written; another one for the same output is refused meanwhile.

    The lock lies in a hidden file beside the output. That such a file is there means nothing: only a
    process that lives holds it, so what a killed one leaves never stands in the way. On disks that know no
    locks (some network ones) there is none.

    Args:
        output: The file or folder to write.
        what: Who else may be at it, for the message.
        file: The lock's file, where it is not to lie beside the output.
    """

    def __init__(self, output: Path, what: str = "render", *, file: Path | None = None) -> None:
        self.path = file or output.with_name(f".{output.name}.vst-lock")
        self._output, self._what = output, what
        self._file: BinaryIO | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            MediaError: If another process, or another writer in this one, has it, or the lock's file cannot
                be made.
        """
        while self._file is None:
            file = self._open()
            try:
                _take(file.fileno())
            except OSError as error:
                if error.errno in _TAKEN:
                    file.close()
                    raise MediaError(
                        f"{self._output} is being written by another {self._what}: wait for it, or choose "
                        "another output with -o"
                    ) from error
            # The one before may have removed the file between our opening and locking it.
            if self._is_there(file):
                self._file = file
            else:
                file.close()

    def release(self) -> None:
        """Give the lock back; nothing is left of it."""
        file, self._file = self._file, None
        if file is None:
            return
        with contextlib.closing(file):
            if sys.platform == "win32":
                file.close()  # no file is removed there that is open
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
            return self.path.open("ab")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise MediaError(
                f"{self._output} cannot be written: {reason}; choose another output with -o"
            ) from error

    def _is_there(self, file: BinaryIO) -> bool:
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            return False
        return sys.platform == "win32" or os.path.samestat(there, os.fstat(file.fileno()))
