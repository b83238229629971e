"""Content loss, style loss and gradient energy of photographs that several networks stylize."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from torch import Tensor, nn

from benchmarks.against_peer import Terms, kindest_size
from benchmarks.measure import MeasuredMode
from benchmarks.photographs import Photograph
from benchmarks.picture_measures import flat, grid, rim_losses
from vst.evaluate import gradient_energy, in_8_bits
from vst.evaluate.metrics.perceptual import ContentStyleMeter
from vst.frame import Frame
from vst.losses.perceptual import style_targets

INPUT, PEER = "input", "peer"


@dataclass
class LossRecord:
    """The values of one network in one style.

    Attributes:
        content: Content loss of each photograph.
        gradient: Gradient energy of each photograph.
        flat: Size of the style picture -> `flat` of each photograph.
        grid: `grid` of each photograph.
        rim: Content and style loss at the border over those inside, of each photograph, with the style
            picture in its largest size.
        style: Size of the style picture -> style loss of each photograph.
    """

    content: list[float] = field(default_factory=list)
    gradient: list[float] = field(default_factory=list)
    style: dict[int, list[float]] = field(default_factory=dict)
    flat: dict[int, list[float]] = field(default_factory=dict)
    grid: list[float] = field(default_factory=list)
    rim: list[tuple[float, float]] = field(default_factory=list)

    def add(self, content: float, style: Mapping[int, float], gradient: float) -> None:
        """Add the values of the next photograph."""
        self.content.append(content)
        self.gradient.append(gradient)
        for size, value in style.items():
            self.style.setdefault(size, []).append(value)

    def parts(self, size: int) -> dict[str, float]:
        """Means of flat, grid and, where pictures are large enough, the border, for one size of style."""
        found = {"flat": _mean(self.flat[size]), "grid": _mean(self.grid)}
        if self.rim:
            found["rim content"], found["rim style"] = (_mean(each) for each in zip(*self.rim, strict=True))
        return found

    def style_by_size(self) -> dict[int, float]:
        """Size of the style picture -> mean style loss."""
        return {size: _mean(values) for size, values in self.style.items()}

    def terms(self, size: int) -> Terms:
        """Means over the photographs, with the style picture at one size."""
        return Terms(_mean(self.content), _mean(self.style[size]), _mean(self.gradient))


@dataclass
class StyleCase:
    """A style, the networks that are compared in it, and their values.

    Attributes:
        name: Of the style.
        pictures: Longer side in pixels -> the style picture, 3×H×W, 0..1.
        networks: Row of the table -> network; the row of a peer is ``PEER``.
        records: Row of the table -> values; the row of the photographs themselves is ``INPUT``.
    """

    name: str
    pictures: dict[int, Tensor]
    networks: dict[str, MeasuredMode]
    records: dict[str, LossRecord] = field(default_factory=dict)

    def size(self) -> int:
        """The size of the style picture with the lowest style loss of the peer, or the only size."""
        if PEER not in self.records:
            return next(iter(self.pictures))
        return kindest_size(self.records[PEER].style_by_size())

    def peer(self) -> Terms | None:
        """The values of the peer; None without one."""
        return self.records[PEER].terms(self.size()) if PEER in self.records else None


def stylize_photograph(network: MeasuredMode, photo: Tensor) -> Tensor:
    """Stylize a photograph, 3×H×W, 0..1; the result is rounded to 8 bits."""
    return in_8_bits(network.step(Frame(0, Fraction(0), Fraction(1, 25), photo)))


def measure_photographs(
    cases: Sequence[StyleCase],
    photos: Sequence[Photograph],
    loss_network: nn.Module,
    show: Callable[[str, str, str, Tensor], None],
) -> None:
    """Stylize every photograph with every network, and add the values to the records of the cases.

    Args:
        cases: The styles.
        photos: The photographs.
        loss_network: VGG, which content and style are measured by.
        show: Called with style, name of the photograph, row and picture, 3×H×W, for each picture.
    """
    pictures = [(case.name, picture) for case in cases for picture in case.pictures.values()]
    meter = ContentStyleMeter(loss_network, [picture for _, picture in pictures])
    indices = list(range(len(pictures)))
    largest = {case.name: case.pictures[max(case.pictures)] for case in cases}
    targets = {name: style_targets(loss_network, [picture]) for name, picture in largest.items()}
    of_case = {case.name: [i for i in indices if pictures[i][0] == case.name] for case in cases}
    for photo in photos:
        target = meter.target(photo.image)
        gradient = gradient_energy(photo.image)
        # The photograph itself is measured once for all styles.
        content, styles = meter(photo.image, target, indices)
        for case in cases:
            against = of_case[case.name]
            _record(case, INPUT, content, [styles[i] for i in against], gradient)
            show(case.name, photo.name, INPUT, photo.image)
            for row, network in case.networks.items():
                image = stylize_photograph(network, photo.image)
                _record(case, row, *meter(image, target, against), gradient_energy(image))
                record = case.records[row]
                for size, picture in case.pictures.items():
                    record.flat.setdefault(size, []).append(flat(photo.image, image, picture))
                record.grid.append(grid(image))
                rim = rim_losses(loss_network, photo.image, image, targets[case.name])
                record.rim += [] if rim is None else [rim]
                show(case.name, photo.name, row, image)


def _record(case: StyleCase, row: str, content: float, style: Sequence[float], gradient: float) -> None:
    record = case.records.setdefault(row, LossRecord())
    record.add(content, dict(zip(case.pictures, style, strict=True)), gradient)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
