"""Small pieces of text and markup that the sections of the report share."""

from __future__ import annotations

from collections.abc import Sequence


def joined(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)


def legend_key(number: int) -> str:
    """A short line in the colour and dashes of a row, as SVG."""
    return (
        f'<svg class="key r{number}" viewBox="0 0 26 10" aria-hidden="true">'
        '<line x1="0" x2="26" y1="5" y2="5"/></svg>'
    )
