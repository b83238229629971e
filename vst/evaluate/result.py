"""What an evaluation found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vst.evaluate.curves import Point, Summary, last_quarters
from vst.evaluate.panel import BASELINES, INPUT, Panel
from vst.evaluate.returning import BACK, Returning, mean_error
from vst.evaluate.settings import EvaluateSettings
from vst.evaluate.worst import WorstFrame


@dataclass(frozen=True)
class Result:
    """What was measured of one output before one judge.

    Attributes:
        name: Of the row: input, a painting's, blend, paste or still.
        kind: input, painting or baseline.
        judge: By whose motion.
        points: The values of every frame.
        summary: What they come to.
    """

    name: str
    kind: str
    judge: str
    points: tuple[Point, ...]
    summary: Summary


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        source: The clip, or the folder of the data set.
        paintings: Files by name of the row.
        settings: What was asked for.
        width: At which all was measured.
        height: The same.
        frames: How many.
        cuts: Numbers of the frames, from 0, at which a new shot begins; without the first.
        judges: Their names, the deciding one first.
        results: One for each row and judge; judges in order, and of each the input first.
        worst: The frames with the largest E before the first judge, by painting.
        notes: What the numbers should be read with; one line each.
        seconds: Wall time.
    """

    source: Path
    paintings: Mapping[str, Path]
    settings: EvaluateSettings
    width: int
    height: int
    frames: int
    cuts: tuple[int, ...]
    judges: tuple[str, ...]
    results: tuple[Result, ...]
    worst: Mapping[str, tuple[WorstFrame, ...]]
    notes: tuple[str, ...]
    seconds: float

    def of_judge(self, judge: str) -> list[Result]:
        """The rows before one judge."""
        return [result for result in self.results if result.judge == judge]


def results_of(
    panel: Panel, judges: Sequence[str], returning: Returning, follower: str
) -> Iterator[Result]:
    """One result for each row and judge; what came back is the follower's, whose motion tells."""
    for judge in judges:
        for name, curves in panel.rows.items():
            kind = INPUT if name == INPUT else "baseline" if name in BASELINES else "painting"
            points, summary = curves[judge].points, curves[judge].summary()
            if judge == follower and name in returning.frames:
                points, summary = _with_returned(points, summary, returning, name)
            yield Result(name, kind, judge, tuple(points), summary)


def _with_returned(
    points: Sequence[Point], summary: Summary, returning: Returning, name: str
) -> tuple[list[Point], Summary]:
    """The same with the error of what came back; means are by pixel."""
    frames = returning.frames[name]
    joined = [
        replace(point, values={**point.values, BACK: back.error}) if back.pixels else point
        for point, back in zip(points, frames, strict=True)
    ]
    means = []
    late = [frames[point.index] for point in last_quarters(points)]
    for values, which in ((summary.mean, frames), (summary.last_quarter, late)):
        error = mean_error(which)
        means.append(values if math.isnan(error) else {**values, BACK: error})
    return joined, replace(summary, mean=means[0], last_quarter=means[1])
