"""Which weight files paint a blend, and the network that they make together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vst.errors import WeightsError
from vst.nn.body import TransformationBody, select_styles
from vst.styles.convolutions import append_styles, same_convolutions
from vst.styles.quality import BEST, FAST, wide_enough
from vst.styles.weights import WeightsInfo, load_network


@dataclass(frozen=True)
class Selection:
    """The weight files that paint a blend.

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

    Files belong together where they say that they have the same convolutions; the first of them that has a
    style gives it.

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
        one = (min if quality == FAST else max)(whole, key=lambda info: info.width)
        return Selection(((one, one.styles),))
    for group in sorted(groups.values(), key=lambda group: group[0].width, reverse=quality != FAST):
        parts: dict[WeightsInfo, tuple[str, ...]] = {}
        for name in names:
            giver = next((info for info in group if name in info.styles), None)
            if giver is None:
                break
            parts[giver] = (*parts.get(giver, ()), name)
        else:
            return Selection(tuple(parts.items()))
    return None


def load_selection(selection: Selection) -> TransformationBody:
    """Build the network of a selection, with its styles in its order, in fp32, in evaluation mode.

    What files say of their convolutions is not believed: the tensors are compared.

    Raises:
        WeightsError: as `load_network`; also for files whose convolutions differ.
    """
    networks = []
    for info, names in selection.parts:
        network, found = load_network(info.path)
        for name in names:
            if name not in found.styles:
                raise WeightsError(f"{info.path} was replaced and has no style {name!r} now; try again")
        select_styles(network, [found.styles.index(name) for name in names])
        networks.append(network)
    base, *others = networks
    first, *rest = selection.files
    for info, network in zip(rest, others, strict=True):
        if not same_convolutions(base, network):
            raise WeightsError(
                f"{info.path} does not have the convolutions of {first.path}, as it says, so their styles "
                f"cannot be blended; add its styles again for the network of {first.path.name}"
            )
        append_styles(base, network)
    return base
