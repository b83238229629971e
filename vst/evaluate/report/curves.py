"""The charts of the report: every metric with a curve against frame number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from vst.evaluate.metrics import METRICS
from vst.evaluate.metrics.metric import Metric, Section
from vst.evaluate.report.chart import Series, draw_chart, smoothing
from vst.evaluate.report.text import joined, legend_key
from vst.evaluate.result import Evaluation, EvaluationRow

SECTIONS: dict[Section, tuple[str, str]] = {
    "adjacent": (
        "Adjacent frames",
        "Each frame and the one before it, without motion compensation. Flicker raises the squared error "
        "and lowers the similarity.",
    ),
    "temporal": (
        "Temporal error",
        "Each frame and the one before it, warped by the reference flow: what is left is no motion of the "
        "scene.",
    ),
    "appearance": (
        "Appearance and drift",
        "A value that rises or falls slowly within a shot, while the input's does not, shows that the "
        "output departs from the scene, blurs or accumulates artefacts.",
    ),
}
"""Heading and introduction of each section, in the order of the page."""

_MAX_CUTS = 12
"""Cuts that are listed by number; more are counted."""


@dataclass
class _Values:
    """What the page's script shows at a frame: values by chart, row and frame."""

    found: Evaluation
    rows: Sequence[str]
    charts: dict[str, list[list[float | None] | None]] = field(default_factory=dict)

    def add(self, metric: str, results: Sequence[EvaluationRow]) -> str:
        """The next chart; returns its name."""
        values: list[list[float | None] | None] = [None] * len(self.rows)
        for result in results:
            own: list[float | None] = [None] * self.found.frames
            for point in result.points:
                if metric in point.values:
                    # Four digits are more than a chart shows.
                    own[point.index] = float(f"{point.values[metric]:.4g}")
            if any(value is not None for value in own):
                values[self.rows.index(result.name)] = own
        name = f"c{len(self.charts)}"
        self.charts[name] = values
        return name


def draw_curves(found: Evaluation, rows: Sequence[str]) -> tuple[str, dict[str, object]]:
    """The charts with their legend as HTML, and the values that the page's script reads.

    Args:
        found: The evaluation.
        rows: Names of its rows, in order.
    """
    values = _Values(found, rows)
    parts = [_legend(rows), _explanation(found)]
    for section, (heading, text) in SECTIONS.items():
        drawn = [
            chart
            for metric in METRICS.values()
            if metric.section == section and metric.measure is not None
            for chart in _charts(found, metric, rows, values)
        ]
        if drawn:
            parts.append(f"<h2>{heading}</h2><p>{text}</p>{''.join(drawn)}")
    return "".join(parts), {"frames": found.frames, "rows": list(rows), "charts": values.charts}


def _charts(found: Evaluation, metric: Metric, rows: Sequence[str], values: _Values) -> Iterator[str]:
    """One chart of a metric, or one for each reference flow where it depends on that."""
    for reference in found.references if metric.uses_motion else found.references[:1]:
        results = found.under(reference)
        series = _series(results, metric.name, rows)
        if not series:
            continue
        title = f"{metric.title}, {reference} flow" if metric.uses_motion else metric.title
        name = values.add(metric.name, results)
        svg = draw_chart(name, title, series, found.frames, [cut + 1 for cut in found.cuts])
        yield f'<div class="plot"><h3>{escape(title)}</h3>{svg}<output aria-live="off"></output></div>'


def _series(results: Sequence[EvaluationRow], metric: str, rows: Sequence[str]) -> list[Series]:
    found = []
    for result in results:
        runs: dict[int, list[tuple[int, float]]] = {}
        for point in result.points:
            if metric in point.values:
                runs.setdefault(point.shot, []).append((point.index + 1, point.values[metric]))
        if runs:
            found.append(Series(rows.index(result.name), list(runs.values())))
    return found


def _legend(rows: Sequence[str]) -> str:
    boxes = "".join(
        f'<label class="r{number}"><input type="checkbox" id="show-{number}" checked>{legend_key(number)}'
        f"{escape(name)}</label>"
        for number, name in enumerate(rows)
    )
    return f'<h2>Frame by frame</h2><fieldset class="legend"><legend>Show</legend>{boxes}</fieldset>'


def _explanation(found: Evaluation) -> str:
    lines = []
    if found.cuts:
        places = [str(cut + 1) for cut in found.cuts]
        more = len(places) - _MAX_CUTS
        listed = joined(places) if more <= 0 else f"{', '.join(places[:_MAX_CUTS])} and {more} more"
        lines.append(f"Dashed vertical lines are cuts, before frame {listed}.")
    window = smoothing(found.frames)
    if window > 1:
        lines.append(f"Thin lines are single frames, the others means over {window} of them.")
    return f'<p class="quiet">{" ".join(lines)}</p>' if lines else ""
