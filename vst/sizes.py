"""Amounts of memory and disk, for people."""

from __future__ import annotations

KIB, MIB, GIB = 2**10, 2**20, 2**30


def size_in_words(count: int, decimals: int = 1) -> str:
    """``2.3 GiB``, ``300 MiB`` or ``40 KiB``.

    Args:
        count: Bytes.
        decimals: Of GiB; smaller units have none.
    """
    if count >= GIB:
        return f"{count / GIB:.{decimals}f} GiB"
    return f"{count / MIB:.0f} MiB" if count >= MIB else f"{count / KIB:.0f} KiB"
