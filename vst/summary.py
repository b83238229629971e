"""One line for many names."""

from __future__ import annotations

from collections.abc import Sequence


def named(what: str, names: Sequence[str], most: int | None) -> str:
    """`what (7): a, b, c and 4 more`.

    Args:
        what: What the names have in common.
        names: In the order that they are given in.
        most: The most names in the line; None for all.
    """
    shown = names if most is None else names[:most]
    more = f" and {len(names) - len(shown):,} more" if len(names) > len(shown) else ""
    return f"{what} ({len(names):,}): {', '.join(shown)}{more}"
