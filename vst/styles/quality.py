"""The width of networks: a choice between speed and fine strokes."""

from __future__ import annotations

from collections.abc import Iterable

from vst.errors import UsageError, suggestion
from vst.styles.weights_file import WeightsInfo

BEST, STANDARD, FAST = QUALITIES = ("best", "standard", "fast")
"""The widest network there is, none but wide ones, or the narrowest there is."""

STANDARD_WIDTH = 32
"""Filters of the first layer of table 4.1; files of a lower `WeightsInfo.grade` are for speed."""


def check_quality(quality: str) -> None:
    """Refuse a quality that does not exist.

    Raises:
        UsageError: with the nearest name.
    """
    if quality not in QUALITIES:
        raise UsageError(f"unknown quality {quality!r}: {suggestion(quality, QUALITIES)}")


def wide_enough(weights: Iterable[WeightsInfo], quality: str) -> list[WeightsInfo]:
    """The files of a quality, in their order.

    Raises:
        UsageError: for a quality that does not exist.
    """
    check_quality(quality)
    return [info for info in weights if quality != STANDARD or info.grade >= STANDARD_WIDTH]
