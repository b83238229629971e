"""The only exceptions a user sees.

Every message is one line that says what was given, what was expected and what to do.
The command line prints the message and exits with ``exit_code``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


def nearest(given: str, names: Iterable[str]) -> str | None:
    """The most similar name, if one is similar enough."""
    return next(iter(difflib.get_close_matches(given, list(names), n=1)), None)


def suggestion(given: str, names: Iterable[str]) -> str:
    """``did you mean 'render'?``, or all names if none is similar."""
    names = list(names)
    near = nearest(given, names)
    return f"did you mean {near!r}?" if near else f"expected one of {', '.join(names)}"


class VstError(Exception):
    """An error that the user can understand and act on (exit code 1)."""

    exit_code = 1


class UsageError(VstError):
    """The request is invalid: an unknown style, mode or option value (exit code 2)."""

    exit_code = 2


class MediaError(VstError):
    """A file cannot be read or written as video, sound or picture."""


class OutputInUse(MediaError):
    """Another process is writing the same output."""


class AudioOnly(MediaError):
    """A file has sound, but no video."""


class CutShort(MediaError):
    """A clip cannot be read to its end; what came before is good.

    Attributes:
        kept: The file that has what came before; None as long as there is none.
    """

    def __init__(self, message: str, kept: Path | None = None) -> None:
        super().__init__(message)
        self.kept = kept


class WeightsError(VstError):
    """A weight file is missing, damaged, or not what its name says."""


class Interrupted(VstError):
    """The user asked to stop; what was finished is kept (exit code 130)."""

    exit_code = 130
