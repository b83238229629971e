"""The only exceptions a user sees.

Every message is one line that says what was given, what was expected and what to do.
The command line prints the message and exits with ``exit_code``.
"""

from __future__ import annotations


class VstError(Exception):
    """Something went wrong that the user can understand and act on (exit code 1)."""

    exit_code = 1


class UsageError(VstError):
    """The request itself cannot be meant: unknown style, mode or option value (exit code 2)."""

    exit_code = 2


class MediaError(VstError):
    """A file cannot be read or written as video, sound or picture."""


class WeightsError(VstError):
    """A weight file is missing, damaged, or not what its name says."""


class Interrupted(VstError):
    """The user asked to stop; what was finished is kept (exit code 130)."""

    exit_code = 130
