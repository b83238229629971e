"""Evaluations of several scenes as CSV files: means, and the curves of every frame."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vst.evaluate.metrics import METRICS
from vst.evaluate.result import Evaluation, EvaluationRow
from vst.files import write_whole

TABLE = "table.csv"
"""The means of every row."""
CURVES = "curves.csv"
"""The values of every frame."""

Entry = tuple[str, str, Evaluation]
"""Scene, style and their evaluation."""


def write_tables(folder: Path, entries: Sequence[Entry]) -> None:
    """Write ``table.csv`` and ``curves.csv``, with a column for every metric of the registry.

    Raises:
        MediaError: A file cannot be written.
    """
    _write(folder / CURVES, _curves(entries))
    # The table comes last: where it exists, everything else is complete.
    _write(folder / TABLE, _means(entries))


def _rows(entries: Sequence[Entry]) -> Iterator[tuple[list[str], EvaluationRow]]:
    for scene, style, evaluation in entries:
        for row in evaluation.rows:
            yield [scene, style, row.name, row.reference], row


def _means(entries: Sequence[Entry]) -> Iterator[list[object]]:
    yield [
        *("scene", "style", "output", "reference", "frames"),
        *METRICS,
        *(f"{name}_last_quarter" for name in METRICS),
    ]
    for key, row in _rows(entries):
        summary = row.summary
        means = [each.get(name, "") for each in (summary.mean, summary.last_quarter) for name in METRICS]
        yield [*key, summary.frames, *means]


def _curves(entries: Sequence[Entry]) -> Iterator[list[object]]:
    names = [metric.name for metric in METRICS.values() if metric.measure is not None]
    yield ["scene", "style", "output", "reference", "frame", "shot", *names]
    for key, row in _rows(entries):
        for point in row.points:
            yield [*key, point.index + 1, point.shot + 1, *(point.values.get(name, "") for name in names)]


def _write(path: Path, rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_whole(path, text.getvalue().encode("utf-8", "surrogateescape"))
