"""Which weight files have the styles of a blend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vst.styles.quality import BEST, FAST, wide_enough
from vst.styles.weights_file import WeightsInfo


@dataclass(frozen=True)
class Selection:
    """The weight files for a blend.

    Attributes:
        parts: Each file with the styles that are taken from it. Several files have the same convolutions.
    """

    parts: tuple[tuple[WeightsInfo, tuple[str, ...]], ...]

    @property
    def files(self) -> tuple[WeightsInfo, ...]:
        """The weight files."""
        return tuple(info for info, _ in self.parts)

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles of the network that the files make, in the order of its scales and shifts."""
        return tuple(name for _, names in self.parts for name in names)


def select(names: Sequence[str], weights: Iterable[WeightsInfo], quality: str = BEST) -> Selection | None:
    """The widest file that has all styles, else the widest files that have them together, else None.

    With the quality `fast` it is the narrowest; with `standard` the narrow ones are left out.

    Files belong together if the digests of their convolutions are equal. Each style comes from the first
    file that has it.

    Args:
        names: The styles of a blend.
        weights: Files of one mode, the preferred first.
        quality: One of ``QUALITIES``.

    Raises:
        UsageError: for a quality that does not exist.
    """
    groups: dict[str, list[WeightsInfo]] = {}
    whole: list[WeightsInfo] = []
    for info in wide_enough(weights, quality):
        if set(names) <= set(info.styles):
            whole.append(info)
        if info.body:
            groups.setdefault(info.body, []).append(info)
    if whole:
        one = (min if quality == FAST else max)(whole, key=lambda info: info.grade)
        return Selection(((one, one.styles),))
    for group in sorted(groups.values(), key=lambda group: group[0].grade, reverse=quality != FAST):
        parts: dict[WeightsInfo, tuple[str, ...]] = {}
        for name in names:
            giver = next((info for info in group if name in info.styles), None)
            if giver is None:
                break
            parts[giver] = (*parts.get(giver, ()), name)
        else:
            return Selection(tuple(parts.items()))
    return None
