"""Bounds for hostile and broken files: no picture fills the memory, and no clip goes on for ever.

Each can be raised, by an environment variable: so they are the same for every command, for the workers of a
batch, for the editor plugins and for the library.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from vst.errors import MediaError, UsageError


@dataclass(frozen=True, slots=True)
class Limit:
    """One bound.

    Attributes:
        variable: The environment variable that says another.
        default: The largest value that passes.
        unit: What is counted, for the user.
    """

    variable: str
    default: int
    unit: str

    @property
    def value(self) -> int:
        """What is in force.

        Raises:
            UsageError: If the variable does not hold a whole number of at least 1.
        """
        said = os.environ.get(self.variable, "").strip().replace("_", "")
        if not said:
            return self.default
        if not said.isdecimal() or int(said) < 1:
            raise UsageError(
                f"{self.variable} is {said!r}: expected a whole number, such as {self.default}"
            )
        return int(said)

    def check(self, path: Path, found: float) -> None:
        """Refuse a file that goes beyond.

        Raises:
            MediaError: If `found` is more than what is in force.
        """
        if found > self.value:
            raise MediaError(self.refusal(path, found))

    def refusal(self, path: Path, found: float) -> str:
        """The line that the user sees: what the file has, what the limit is, and how to raise it."""
        whole = math.ceil(found)
        return (
            f"{path} has {whole:,} {self.unit}, more than the limit of {self.value:,}: "
            f"if that is right, set {self.variable}={whole}"
        )


PIXELS = Limit("VST_MAX_PIXELS", 1 << 27, "pixels a frame")
"""134 million: 15360×8640 passes, and takes 1.6 GB as floating-point numbers."""

FRAMES = Limit("VST_MAX_FRAMES", 1_000_000, "frames")
"""Eleven hours at 24 a second."""

SECONDS = Limit("VST_MAX_SECONDS", 86_400, "seconds")
"""A day."""

LIMITS = (PIXELS, FRAMES, SECONDS)
