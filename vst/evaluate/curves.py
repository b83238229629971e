"""The metrics of one output against frame number, and their means."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from vst.evaluate.metrics import METRICS
from vst.evaluate.metrics.metric import ContentStyleFunction, Sample, Weighted
from vst.frame import Motion
from vst.motion.estimator import to_bytes
from vst.motion.tracking import DISTANCES


@dataclass(frozen=True, slots=True)
class Point:
    """The values of one frame.

    Attributes:
        index: Number of the frame, from 0.
        shot: Number of its shot, from 0.
        values: By name of metric; metrics without a value at this frame are absent.
        weights: By name of metric, where a value counts by another weight than 1 in means.
    """

    index: int
    shot: int
    values: Mapping[str, float]
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Summary:
    """Means over a clip by name of metric; metrics without any value are absent.

    Attributes:
        frames: Number of frames.
        mean: Over the whole clip.
        last_quarter: Over the last quarter of each shot, which shows slow drift that a mean hides.
    """

    frames: int
    mean: Mapping[str, float]
    last_quarter: Mapping[str, float]


@dataclass
class Curves:
    """Collects the values of one output, frame by frame.

    The input clip is measured as any output is, by passing its frames as outputs.
    """

    content_style: ContentStyleFunction | None = None
    """Content and style losses; None leaves them out."""

    content_style_every: int = 1
    """Measure content and style at every n-th frame of a shot only: they cost more than the rest."""

    points: list[Point] = field(default_factory=list, init=False)
    """The values so far."""

    _previous: Tensor | None = field(default=None, init=False, repr=False)
    _shot_start: int = field(default=0, init=False, repr=False)
    _earlier: deque[Tensor] = field(
        default_factory=lambda: deque(maxlen=max(DISTANCES)), init=False, repr=False
    )

    def add(
        self,
        output: Tensor,
        motion: Motion | None,
        frame: Tensor | None = None,
        *,
        new_shot: bool | None = None,
        forward: bool = False,
        shared: Point | None = None,
        previous: Tensor | None = None,
        restart: bool = False,
        motions: Mapping[int, Motion] | None = None,
        per_frame: Tensor | None = None,
    ) -> Point:
        """Measure the next frame.

        Args:
            output: 3×H×W, 0..1.
            motion: Of the reference flow, to the previous frame; None where none is known.
            frame: 3×H×W, 0..1, the input frame; required for content and style only.
            new_shot: Whether a shot begins here; by default where there is no motion.
            forward: See ``Sample.forward``.
            shared: The same frame measured with another reference flow: values that do not depend on the
                flow are copied.
            previous: 3×H×W, compared with the output in place of the output before.
            restart: Compare with nothing, although the shot goes on.
            motions: Motion to earlier frames by distance, where the reference flow follows the clip. Keeps
                the last 17 outputs of a shot, in 8 bits.
            per_frame: See ``Sample.per_frame``.

        Returns:
            The values of the frame.
        """
        first = not self.points
        begins = first or (motion is None if new_shot is None else new_shot)
        shot = 0 if first else self.points[-1].shot + int(begins)
        if begins:
            self._shot_start = len(self.points)
            self._earlier.clear()
        if begins or restart:
            previous = None
        elif previous is None:
            previous = self._previous
        due = (len(self.points) - self._shot_start) % self.content_style_every == 0
        sample = Sample(
            output,
            previous,
            motion,
            forward,
            frame,
            self.content_style if due else None,
            motions or {},
            self._earlier,
            per_frame,
        )
        values, weights = _measure(sample, shared)
        if motions is not None:
            self._earlier.appendleft(to_bytes(output))
        self._previous = output
        point = Point(len(self.points), shot, values, weights)
        self.points.append(point)
        return point

    def summary(self) -> Summary:
        """Means over the clip so far and over the last quarter of each shot."""
        return Summary(len(self.points), _means(self.points), _means(last_quarters(self.points)))


def last_quarters(points: Sequence[Point]) -> list[Point]:
    """The last quarter of each shot, rounded up."""
    shots: dict[int, list[Point]] = {}
    for point in points:
        shots.setdefault(point.shot, []).append(point)
    return [point for shot in shots.values() for point in shot[-math.ceil(len(shot) / 4) :]]


def _measure(sample: Sample, shared: Point | None) -> tuple[dict[str, float], dict[str, float]]:
    """Values and weights of one frame by name of metric."""
    values: dict[str, float] = {}
    weights: dict[str, float] = {}
    for name, metric in METRICS.items():
        if metric.measure is None:
            continue
        if shared is not None and not metric.uses_motion:
            if name in shared.values:
                values[name] = shared.values[name]
            if name in shared.weights:
                weights[name] = shared.weights[name]
            continue
        found = metric.measure(sample)
        if isinstance(found, Weighted):
            weights[name] = found.weight
            found = found.value
        # A frame without any trusted pixel has no error per pixel; it must not spoil the mean.
        if found is not None and not math.isnan(found):
            values[name] = found
    return values, weights


def _means(points: Sequence[Point]) -> dict[str, float]:
    means: dict[str, float] = {}
    for name, metric in METRICS.items():
        if metric.derive is not None:
            derived = metric.derive(means)
            if derived is not None:
                means[name] = derived
            continue
        there = [point for point in points if name in point.values]
        if there:
            weights = [point.weights.get(name, 1.0) for point in there]
            weighted = (point.values[name] * weight for point, weight in zip(there, weights, strict=True))
            means[name] = math.fsum(weighted) / math.fsum(weights)
    return means
