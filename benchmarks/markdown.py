"""Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first column has the names of the rows."""
    lines = [header, *rows]
    text = ["| " + " | ".join(cells) + " |" for cells in lines]
    return "\n".join((text[0].replace("|  |", "| |"), "|---" * len(header) + "|", *text[1:]))


def number(value: float | None) -> str:
    """A number with three digits; an empty text for None."""
    return "" if value is None else f"{value:.3g}"
