"""Reading the numbers of segments."""

from __future__ import annotations

import re

from vst.errors import UsageError

_RANGE = re.compile(r"[0-9]{1,9}(-[0-9]{1,9})?")


def parse_segments(text: str, count: int) -> list[int]:
    """The segments that ``3``, ``0-9`` or ``0-3,7`` names, in order.

    Args:
        text: What the user gave.
        count: Number of segments of the job.

    Raises:
        UsageError: It names no segment, or one that is not there.
    """
    found: set[int] = set()
    for part in text.split(","):
        low, _, high = part.partition("-")
        if not _RANGE.fullmatch(part.strip()):
            raise UsageError(
                f"the segment is '{text[:40]}'; expected a number such as 3, or a range such as 0-9"
            )
        first, last = int(low), int(high or low)
        if not first <= last < count:
            raise UsageError(f"segment {part.strip()} is not in the job; expected 0 to {count - 1}")
        found.update(range(first, last + 1))
    return sorted(found)
