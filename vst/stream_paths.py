"""Which paths are streams: pipes, and the standard input and output of the process."""

from __future__ import annotations

import os
import stat
from pathlib import Path

STDIN = Path("/dev/stdin")
"""Standard input, on every system; ``-`` on the command line."""

STDOUT = Path("/dev/stdout")
"""Standard output, on every system; ``-`` after ``-o`` on the command line."""


def is_stream(path: Path) -> bool:
    """Whether an input is a stream, which can be read only once: a pipe, or a socket as standard input.

    Standard input that is redirected from a file is that file.
    """
    mode = _mode(path)
    return mode is not None and (stat.S_ISFIFO(mode) or (path == STDIN and stat.S_ISSOCK(mode)))


def is_output_stream(path: Path) -> bool:
    """Whether an output is written as a stream, from beginning to end: a pipe, standard output, or the null
    device."""
    mode = _mode(path)
    return path == STDOUT or (mode is not None and (stat.S_ISFIFO(mode) or _is_null(path)))


def is_stdout(path: Path) -> bool:
    """Whether a path is standard output by any name, so that nothing else may be printed there."""
    if path == STDOUT:
        return True
    try:
        return is_output_stream(path) and os.path.samestat(os.stat(path), os.fstat(1))
    except OSError:
        return False


def _is_null(path: Path) -> bool:
    return os.path.exists(os.devnull) and os.path.samefile(path, os.devnull)


def _mode(path: Path) -> int | None:
    try:
        return (os.fstat(0) if path == STDIN else os.stat(path)).st_mode
    except (OSError, ValueError):
        return None
