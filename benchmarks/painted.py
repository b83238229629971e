"""Photographs painted by several painters in several styles, and what is measured of the paintings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from torch import Tensor, nn

from benchmarks.against_peer import Terms, kindest_size
from benchmarks.measure import MeasuredMode
from benchmarks.photographs import Photograph
from vst.evaluate import gradient_energy, in_8_bits
from vst.evaluate.metrics.perceptual import ContentStyleMeter
from vst.frame import Frame

INPUT, PEER = "input", "peer"


@dataclass
class Record:
    """One painter of one style: values by photograph, the style loss also by size of the style picture."""

    content: list[float] = field(default_factory=list)
    gradient: list[float] = field(default_factory=list)
    style: dict[int, list[float]] = field(default_factory=dict)

    def add(self, content: float, style: Mapping[int, float], gradient: float) -> None:
        """The next photograph."""
        self.content.append(content)
        self.gradient.append(gradient)
        for size, value in style.items():
            self.style.setdefault(size, []).append(value)

    def style_by_size(self) -> dict[int, float]:
        """The mean style loss by size of the style picture."""
        return {size: _mean(values) for size, values in self.style.items()}

    def terms(self, size: int) -> Terms:
        """Means, with the style picture in one of its sizes."""
        return Terms(_mean(self.content), _mean(self.style[size]), _mean(self.gradient))


@dataclass
class Goal:
    """A style: its picture in some sizes, and who paints it.

    Attributes:
        name: The style.
        pictures: 3×H×W, 0..1, by longer side.
        painters: By row of the table; the peer, if there is one, is ``PEER``.
        records: What was measured, by row; ``INPUT`` are the photographs themselves.
    """

    name: str
    pictures: dict[int, Tensor]
    painters: dict[str, MeasuredMode]
    records: dict[str, Record] = field(default_factory=dict)

    def size(self) -> int:
        """The size that the style picture is looked at in: the one kindest to the peer, or the only one."""
        if PEER not in self.records:
            return next(iter(self.pictures))
        return kindest_size(self.records[PEER].style_by_size())

    def peer(self) -> Terms | None:
        """What was measured of the peer; None without one."""
        return self.records[PEER].terms(self.size()) if PEER in self.records else None


def paint(painter: MeasuredMode, photo: Tensor) -> Tensor:
    """A photograph, 3×H×W, 0..1, painted, in 8 bits."""
    painter.reset()
    return in_8_bits(painter.step(Frame(0, Fraction(0), Fraction(1, 25), photo), {}))


def measure_paintings(
    goals: Sequence[Goal],
    photos: Sequence[Photograph],
    network: nn.Module,
    show: Callable[[str, str, str, Tensor], None],
) -> None:
    """Paint every photograph with every painter and fill the goals' records.

    Args:
        goals: The styles.
        photos: The photographs.
        network: A loss network.
        show: Is given style, photograph, row and picture, 3×H×W, of each.
    """
    pictures = [(goal.name, picture) for goal in goals for picture in goal.pictures.values()]
    meter = ContentStyleMeter(network, [picture for _, picture in pictures])
    everything = list(range(len(pictures)))
    of_goal = {goal.name: [i for i in everything if pictures[i][0] == goal.name] for goal in goals}
    for photo in photos:
        target = meter.target(photo.image)
        gradient = gradient_energy(photo.image)
        # The photograph itself looks the same to all styles: measured once for all of them.
        content, styles = meter(photo.image, target, everything)
        for goal in goals:
            against = of_goal[goal.name]
            _record(goal, INPUT, content, [styles[i] for i in against], gradient)
            show(goal.name, photo.name, INPUT, photo.image)
            for row, painter in goal.painters.items():
                image = paint(painter, photo.image)
                _record(goal, row, *meter(image, target, against), gradient_energy(image))
                show(goal.name, photo.name, row, image)


def _record(goal: Goal, row: str, content: float, style: Sequence[float], gradient: float) -> None:
    record = goal.records.setdefault(row, Record())
    record.add(content, dict(zip(goal.pictures, style, strict=True)), gradient)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
