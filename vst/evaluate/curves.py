"""Every metric of a clip against frame number, and what it comes to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from vst.evaluate.metrics import (
    SSIM_WINDOW,
    gradient_energy,
    mean_squared_error,
    structural_similarity,
    temporal_errors,
)
from vst.frame import Motion

Perceptual = Callable[[Tensor, Tensor], tuple[float, float]]
"""(painting 3×H×W, frame 3×H×W), both 0..1, to content and style loss."""

METRICS = ("E", "E_warp", "mse", "ssim", "content", "style", "gradient")
"""What is measured of every frame; ``vst.evaluate.metrics`` has the formulas. ``E``, ``E_warp``, ``mse``
and ``ssim`` are between it and the previous one of its shot. ``e_stab`` is the root of the mean E."""

JUDGED = ("E", "E_warp")
"""Those that depend on whose motion judges."""


@dataclass(frozen=True, slots=True)
class Point:
    """One frame's values.

    Attributes:
        index: Number of the frame, from 0.
        shot: Number of its shot, from 0.
        values: By name of metric; those that a frame has not are absent.
    """

    index: int
    shot: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """A clip in few numbers, each by name of metric; a metric without any value is absent.

    Attributes:
        frames: How many frames there were.
        mean: Over the whole clip; with ``e_stab``.
        last_quarter: Over the last quarter of each shot: a mean hides creeping blur. With ``e_stab``.
    """

    frames: int
    mean: Mapping[str, float]
    last_quarter: Mapping[str, float]


@dataclass
class Curves:
    """Collects the values of one clip, frame by frame; of pictures it keeps only the last.

    The input clip is measured as any painting is, by giving its frames as outputs.
    """

    perceptual: Perceptual | None = None
    """Content and style losses; None leaves them out."""

    perceptual_every: int = 1
    """Content and style of every so many frames of a shot only: they cost far more than all else."""

    points: list[Point] = field(default_factory=list, init=False)
    """The values so far."""

    _previous: Tensor | None = field(default=None, init=False, repr=False)
    _begun: int = field(default=0, init=False, repr=False)

    def add(
        self,
        output: Tensor,
        motion: Motion | None,
        frame: Tensor | None = None,
        *,
        new_shot: bool | None = None,
        forward: bool = False,
        known: Point | None = None,
        previous: Tensor | None = None,
        apart: bool = False,
    ) -> Point:
        """The next frame.

        Args:
            output: 3×H×W, 0..1, the painting.
            motion: The judge's, to the previous frame; None where nothing is to be compared.
            frame: 3×H×W, 0..1, what was painted; wanted for content and style only.
            new_shot: Whether a shot begins here; by default where there is no motion.
            forward: The motion is from the previous frame to this one, flow and mask on the previous one's
                grid: this painting is warped to that one instead.
            known: What another judge's curves made of the same frame: all that is no judge's is taken over.
            previous: 3×H×W, what it is compared with in place of the painting before.
            apart: It has nothing to do with the painting before, though the shot goes on.

        Returns:
            The frame's values.
        """
        first = not self.points
        begins = first or (motion is None if new_shot is None else new_shot)
        shot = 0 if first else self.points[-1].shot + int(begins)
        if begins:
            self._begun = len(self.points)
        if begins or apart:
            previous = None
        elif previous is None:
            previous = self._previous
        values = dict(known.values) if known is not None else self._unjudged(previous, output, frame)
        for name in JUDGED:
            values.pop(name, None)
        if previous is not None and motion is not None:
            pair = (output, previous) if forward else (previous, output)
            values["E"], values["E_warp"] = temporal_errors(*pair, motion.flow, motion.mask)
        self._previous = output
        # Nothing trusted has no error by pixel; left out rather than spoiling a mean.
        point = Point(len(self.points), shot, {k: v for k, v in values.items() if not math.isnan(v)})
        self.points.append(point)
        return point

    def _unjudged(self, previous: Tensor | None, output: Tensor, frame: Tensor | None) -> dict[str, float]:
        """The values that no motion is needed for."""
        values = {"gradient": gradient_energy(output)}
        if previous is not None:
            values["mse"] = mean_squared_error(previous, output)
            if min(output.shape[-2:]) >= SSIM_WINDOW:
                values["ssim"] = structural_similarity(previous, output)
        wanted = (len(self.points) - self._begun) % self.perceptual_every == 0
        if self.perceptual is not None and frame is not None and wanted:
            values["content"], values["style"] = self.perceptual(output, frame)
        return values

    def summary(self) -> Summary:
        """Means over the clip so far and over the last quarters of its shots."""
        return Summary(len(self.points), _means(self.points), _means(last_quarters(self.points)))


def last_quarters(points: Sequence[Point]) -> list[Point]:
    """The last quarter of each shot, rounded up."""
    shots: dict[int, list[Point]] = {}
    for point in points:
        shots.setdefault(point.shot, []).append(point)
    return [point for shot in shots.values() for point in shot[-math.ceil(len(shot) / 4) :]]


def _means(points: Sequence[Point]) -> dict[str, float]:
    means = {}
    for name in METRICS:
        values = [point.values[name] for point in points if name in point.values]
        if values:
            means[name] = math.fsum(values) / len(values)
    if "E" in means:
        means["e_stab"] = math.sqrt(means["E"])
    return means
