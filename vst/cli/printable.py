"""Text on a terminal or in a log: file names may hold any character, line breaks and escape codes too."""

from __future__ import annotations

import codecs
import re
import sys

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters: C0, C1, separators of lines, and those that change the direction of writing."""

NAMES = "vst-names"
"""A handler of encoding errors, for `TextIO.reconfigure`."""


def printable(text: str) -> str:
    """One line: control characters become escapes such as ``\\n`` and ``\\x1b``."""
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def print_any_name() -> None:
    """Make stdout and stderr take every file name.

    Bytes that are no text are printed as they are, characters that the encoding lacks as escapes.
    """
    codecs.register_error(NAMES, _encode)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.reconfigure(errors=NAMES)  # type: ignore[union-attr]
        except (AttributeError, ValueError):
            continue


def _encode(error: UnicodeError) -> tuple[str | bytes, int]:
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)
