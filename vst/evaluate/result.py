"""The result of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vst.evaluate.curves import Point, Summary
from vst.evaluate.evaluation_settings import EvaluateSettings
from vst.evaluate.recorder import BASELINES, INPUT, CurveRecorder
from vst.evaluate.worst_frames import WorstFrame
from vst.evaluate.worst_texture import WorstTexture

RowKind = Literal["input", "painting", "baseline"]
"""What a row is. These are values in JSON that scripts rely on: an output is a "painting" there."""


@dataclass(frozen=True)
class EvaluationRow:
    """What was measured of one output under one reference flow.

    Attributes:
        name: input, the name of an output, blend, paste or still.
        kind: Which of these.
        reference: Name of the reference flow.
        points: The values of every frame.
        summary: Their means.
    """

    name: str
    kind: RowKind
    reference: str
    points: tuple[Point, ...]
    summary: Summary


@dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation.

    Many attributes: each is a part of the report.

    Attributes:
        source: The clip, or the folder of the data set.
        outputs: Files by name of the row.
        settings: The settings.
        width: Of the compared frames.
        height: The same.
        frames: Number of frames.
        cuts: Numbers of the frames, from 0, at which a new shot begins; without the first.
        references: Names of the reference flows, the deciding one first.
        rows: One for each output and reference flow; flows in order, and under each the input first.
        worst: The frames with the largest E under the first reference flow, by output.
        texture: The frame with the most soft and rough windows, by output that has any; empty without a
            per-frame baseline.
        notes: What a reader of the numbers should know, one line each.
        seconds: Wall time.
    """

    source: Path
    outputs: Mapping[str, Path]
    settings: EvaluateSettings
    width: int
    height: int
    frames: int
    cuts: tuple[int, ...]
    references: tuple[str, ...]
    rows: tuple[EvaluationRow, ...]
    worst: Mapping[str, tuple[WorstFrame, ...]]
    texture: Mapping[str, WorstTexture]
    notes: tuple[str, ...]
    seconds: float

    def under(self, reference: str) -> list[EvaluationRow]:
        """The rows under one reference flow."""
        return [row for row in self.rows if row.reference == reference]


def rows_of(recorder: CurveRecorder, references: Sequence[str]) -> Iterator[EvaluationRow]:
    """One row for each output and reference flow."""
    for reference in references:
        for name, curves in recorder.rows.items():
            kind: RowKind = "input" if name == INPUT else "baseline" if name in BASELINES else "painting"
            points = tuple(curves[reference].points)
            yield EvaluationRow(name, kind, reference, points, curves[reference].summary())
