"""A pipe as output: written from beginning to end, and never waited for longer than the user wants."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import av

from vst.errors import MediaError
from vst.media.file_errors import reason_of
from vst.media.pipes.waiting import PipeWait
from vst.stream_paths import STDOUT, is_stdout

_AT_ONCE = 4096
"""Bytes that a pipe takes without waiting if it takes any (PIPE_BUF)."""


class OutputStream:
    """A pipe, or standard output, as a file that libav writes.

    While standard output is written, everything else that is printed there goes to standard error.

    Args:
        path: The pipe.
        stop: Ends the waiting for the program that reads it, once it is set.

    Raises:
        MediaError: It cannot be written, or is a terminal.
        Interrupted: The user stops before any program reads it.
    """

    def __init__(self, path: Path, stop: threading.Event | None = None) -> None:
        self.name = str(path)
        self._path = path
        self._wait = PipeWait(path, "the program that reads", stop)
        self._failure: Exception | None = None
        self._discards = False
        self._redirected = is_stdout(path)
        try:
            self._descriptor = self._open()
        except OSError as error:
            raise MediaError(f"{path} cannot be written: {reason_of(error)}") from error

    def _open(self) -> int:
        if self._redirected:
            if os.isatty(1):
                raise MediaError(
                    f"{self._path} is a terminal: send the video to a program or a file, such as with "
                    "'| ffplay -' or '> out.mkv'"
                )
            descriptor = os.dup(1)
            os.dup2(2, 1)
            return descriptor
        while True:
            try:
                return os.open(self._path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
            self._wait.pause()

    def writable(self) -> bool:
        """Whether it can be written."""
        return True

    def seekable(self) -> bool:
        """Whether it can be sought."""
        return False

    def write(self, data: bytes) -> int:
        """Write all of it; waits while the pipe is full.

        Raises:
            MediaError: The program that reads it has ended, or the disk is full.
            Interrupted: The user stops.
        """
        if self._failure is not None:
            raise self._failure
        if self._discards:
            return len(data)
        try:
            view = memoryview(data)
            while view:
                if self._wait.ready(self._descriptor, writing=True):
                    with contextlib.suppress(BlockingIOError):
                        view = view[os.write(self._descriptor, view[:_AT_ONCE]) :]
        except BrokenPipeError:
            self._failure = MediaError(f"{self._path} was closed by the program that reads it")
        except OSError as error:
            self._failure = MediaError(f"{self._path} cannot be written: {reason_of(error)}")
        except Exception as error:  # no other write may wait again
            self._failure = error
        if self._failure is not None:
            raise self._failure
        return len(data)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Raise the error of the pipe, of which libav gives its own errors later, or none."""
        try:
            yield
        except (OSError, av.FFmpegError):
            if self._failure is None:
                raise
        if self._failure is not None:
            raise self._failure

    def discard(self) -> None:
        """Drop whatever is written from now on."""
        self._discards, self._failure = True, None

    def close(self) -> None:
        """Close the pipe; standard output is again what it was."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        if self._redirected:
            with contextlib.suppress(OSError):
                os.dup2(descriptor, 1)
        os.close(descriptor)


def stream_suffix(path: Path) -> str:
    """The suffix of a pipe's name, without its dot; empty for standard output."""
    return "" if path == STDOUT else path.suffix.lower().removeprefix(".")
