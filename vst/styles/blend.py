"""Blends: one style, or several by weight, as the user writes them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vst.errors import UsageError


@dataclass(frozen=True)
class Blend:
    """Style names and how much of each; the weights sum to 1."""

    parts: tuple[tuple[str, float], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The styles' names, in the order given."""
        return tuple(name for name, _ in self.parts)

    @property
    def label(self) -> str:
        """A short form that is fit for a file name: `candy`, or `candy+wave`."""
        return "+".join(self.names)

    def mixture(self, styles: tuple[str, ...]) -> list[float]:
        """Weights in the order of a network's styles, 0 for those that are not in the blend."""
        weights = dict(self.parts)
        return [weights.get(name, 0.0) for name in styles]


def parse_blend(text: str) -> Blend:
    """Read `candy` or `candy:0.6+wave:0.4`; weights are brought to a sum of 1.

    Raises:
        UsageError: for an empty name, a style given twice, or a weight that is not above 0.
    """
    parts: dict[str, float] = {}
    for piece in text.split("+"):
        name, colon, weight = (each.strip() for each in piece.partition(":"))
        try:
            value = float(weight) if colon else 1.0
        except ValueError:
            value = math.nan
        if not name or name in parts or not (0 < value < math.inf):
            raise UsageError(
                f"style {text!r} cannot be read; write one name, or a blend like candy:0.6+wave:0.4"
            )
        parts[name] = value
    whole = sum(parts.values())
    return Blend(tuple((name, value / whole) for name, value in parts.items()))


def check_style_name(name: str) -> None:
    """Refuse a name for a new style that a blend could not contain.

    Raises:
        UsageError: It has other characters than letters, digits, - and _, or begins with one of these two.
    """
    plain = name.replace("-", "").replace("_", "")
    if not (plain.isascii() and plain.isalnum()) or name[0] in "-_":
        raise UsageError(f"style name {name!r} is invalid in a blend; use letters, digits, - and _")
