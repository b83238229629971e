"""Limits for hostile and damaged files: on pixels per frame, frames and seconds.

Each limit can be raised by an environment variable, so that the same limits hold for every command, the
workers of a batch, the editor plugins and the library.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from vst.errors import MediaError, UsageError


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit.

    Attributes:
        variable: The environment variable that sets another value.
        default: The largest value that is accepted.
        unit: What is counted, for error texts.
    """

    variable: str
    default: int
    unit: str

    @property
    def value(self) -> int:
        """The limit in force.

        Raises:
            UsageError: If the variable is not a whole number of at least 1.
        """
        text = os.environ.get(self.variable, "").strip().replace("_", "")
        if not text:
            return self.default
        if not text.isdecimal() or int(text) < 1:
            raise UsageError(
                f"{self.variable} is {text!r}: expected a whole number, such as {self.default}"
            )
        return int(text)

    def check(self, path: Path, found: float) -> None:
        """Refuse a file that exceeds the limit.

        Raises:
            MediaError: If `found` is larger than `value`.
        """
        if found > self.value:
            raise MediaError(self.error_text(path, found))

    def error_text(self, path: Path, found: float) -> str:
        """The error text for a file: its value, the limit, and how to raise the limit."""
        whole = math.ceil(found)
        return (
            f"{path} has {whole:,} {self.unit}, more than the limit of {self.value:,}: "
            f"if that is correct, set {self.variable}={whole}"
        )


PIXELS = Limit("VST_MAX_PIXELS", 1 << 27, "pixels per frame")
"""134 million: 15360×8640 is accepted, and takes 1.6 GB in floating point."""

FRAMES = Limit("VST_MAX_FRAMES", 1_000_000, "frames")
"""Eleven hours at 24 frames per second."""

SECONDS = Limit("VST_MAX_SECONDS", 86_400, "seconds")
"""One day."""

LIMITS = (PIXELS, FRAMES, SECONDS)
