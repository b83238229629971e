"""The standard streams of the process, which may be closed, full, or a pipe that nobody reads."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, TextIO

from vst.cli.printable import print_any_name
from vst.errors import VstError

CLOSED = "standard output is closed: redirect it to a file or /dev/null"


class OutputError(VstError):
    """Nothing can be printed on standard output."""


class CheckedOutput:
    """Standard output, with errors that say so.

    Args:
        stream: The stream; None if it is closed.
    """

    encoding = "utf-8"

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    @property
    def is_closed(self) -> bool:
        """Whether the process was started without it."""
        return self._stream is None

    def write(self, text: str) -> int:
        """Write text.

        Raises:
            OutputError: If it cannot be written.
            BrokenPipeError: If nobody reads the pipe any longer.
        """
        if self._stream is None:
            raise OutputError(f"{CLOSED}, or give -q")
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _unwritable(error) from error

    def flush(self) -> None:
        """Write what is buffered; errors as from `write`."""
        if self._stream is None:
            return
        try:
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _unwritable(error) from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class MessageOutput:
    """Standard error, where a message that cannot be printed is no reason to fail.

    Args:
        stream: The stream; None if it is closed.
    """

    encoding = "utf-8"

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text, if possible."""
        if self._stream is not None:
            with contextlib.suppress(OSError):
                return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered, if possible."""
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def check_streams() -> None:
    """Replace the standard streams by ones that stand closed, full and broken ones.

    A closed descriptor is opened on the null device first: else the next file that is opened would get its
    number, and libraries that print would write into it.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    print_any_name()
    sys.stdout, sys.stderr = CheckedOutput(sys.stdout), MessageOutput(sys.stderr)


def drop_output() -> None:
    """Discard what is buffered for standard output; else the interpreter's last flush would fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(AttributeError, OSError, ValueError):
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _unwritable(error: OSError) -> OutputError:
    reason = (error.strerror or str(error)).lower()
    return OutputError(f"standard output cannot be written: {reason}; free some space or redirect it")
