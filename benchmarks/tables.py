"""Results as markdown and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.markdown import markdown, number
from benchmarks.means import mean_rows, mean_summary, mean_values, ratio_summary, ratio_values
from benchmarks.measure import Row
from vst.evaluate import METRICS, MaskScore, Summary
from vst.evaluate.recorder import BASELINES, INPUT

Rows = Mapping[str, Row]
"""The rows of one clip."""


def table(rows: Rows, reference: str) -> str:
    """A markdown table of one clip: each value with that of the last quarter of each shot behind it."""
    return _summary_table({**_summaries(rows, reference), **_ratio(rows, reference)})


def mean_table(styles: Mapping[str, Rows], reference: str) -> str:
    """The same of the means over styles, of those rows that all have."""
    return _summary_table(mean_rows([_summaries(rows, reference) for rows in styles.values()]))


def ratio_table(styles: Mapping[str, Rows], reference: str) -> str:
    """What is relative to the first mode, of each style, and the mean of these ratios."""
    return _summary_table(ratios(styles, reference))


def ratios(styles: Mapping[str, Rows], reference: str) -> dict[str, Summary]:
    """The ratios, named "mode / first mode, style", and their means, with "mean" for the style."""
    by_style = {style: _ratio(rows, reference) for style, rows in styles.items()}
    found = {}
    for name in next(iter(by_style.values())):
        of_styles = {style: ratio[name] for style, ratio in by_style.items() if name in ratio}
        found[f"{name}, mean"] = mean_summary(list(of_styles.values()))
        found |= {f"{name}, {style}": ratio for style, ratio in of_styles.items()}
    return found


def place_table(rows: Rows, reference: str, interval: int) -> str:
    """E, soft and gradient by how many frames after a keyframe, relative to the mean over all frames.

    The curves' first frames of shots are keyframes, and then every `interval`-th frame of the shot.
    """
    lines = []
    for name, row in rows.items():
        points = row.curves[reference].points
        places = _places([point.shot for point in points], interval)
        for metric in ("E", "soft", "gradient"):
            values = [
                (place, p.values[metric])
                for place, p in zip(places, points, strict=True)
                if metric in p.values
            ]
            mean = math.fsum(value for _, value in values) / len(values) if values else 0.0
            if mean:
                cells = [_mean_at(values, place) / mean for place in range(interval)]
                lines.append([f"{name}, {metric}", *(f"{cell:.2f}" for cell in cells)])
    return markdown(["", *map(str, range(interval))], lines)


def _places(shots: Sequence[int], interval: int) -> list[int]:
    """Frames since the last keyframe."""
    places: list[int] = []
    for t, shot in enumerate(shots):
        new = t == 0 or shots[t - 1] != shot
        places.append(0 if new else (places[-1] + 1) % interval)
    return places


def _mean_at(values: Sequence[tuple[int, float]], place: int) -> float:
    chosen = [value for at, value in values if at == place]
    return math.fsum(chosen) / max(len(chosen), 1)


def reappearance_table(styles: Mapping[str, Rows]) -> str:
    """A markdown table of the errors of what comes back, by style, with their mean if there are several."""
    errors = reappearance(styles)
    columns = list(dict.fromkeys(name for values in errors.values() for name in values))
    return markdown(
        ["E", *columns],
        [[style, *(number(values.get(name)) for name in columns)] for style, values in errors.items()],
    )


def reappearance(styles: Mapping[str, Rows]) -> dict[str, dict[str, float]]:
    """Errors of what comes back by style and row, also relative to the first mode; of several the means."""
    errors = {}
    for style, rows in styles.items():
        found = {
            name: row.reappearance.error
            for name, row in rows.items()
            if row.reappearance is not None and row.reappearance.pixels
        }
        first = next((name for name in found if name != INPUT), None)
        if first is not None:
            others = {name: value for name, value in found.items() if name != first}
            relative = ratio_values(others, dict.fromkeys(others, found[first]))
            found |= {f"{name} / {first}": value for name, value in relative.items()}
        errors[style] = found
    return errors if len(errors) < 2 else {"mean": mean_values(list(errors.values())), **errors}


def mask_table(scores: Mapping[str, MaskScore]) -> str:
    """A markdown table of precision and recall."""
    rows = [[key, f"{score.precision:.3f}", f"{score.recall:.3f}"] for key, score in scores.items()]
    return markdown(["", "precision", "recall"], rows)


def as_json(rows: Rows) -> dict[str, Any]:
    """All values of a clip, with the curves."""
    return {
        name: {
            "seconds": row.seconds,
            "judges": {
                reference: {
                    **_both(curves.summary()),
                    "frames": [{"shot": p.shot, **p.values} for p in curves.points],
                }
                for reference, curves in row.curves.items()
            },
            **(
                {"reappearance": row.reappearance.error, "pixels": row.reappearance.pixels}
                if row.reappearance is not None and row.reappearance.pixels
                else {}
            ),
        }
        for name, row in rows.items()
    }


def means_as_json(styles: Mapping[str, Rows], reference: str) -> dict[str, Any]:
    """The means over styles of one clip, and the ratios."""
    means = mean_rows([_summaries(rows, reference) for rows in styles.values()])
    return {
        "rows": {name: _both(summary) for name, summary in means.items()},
        "ratios": {name: _both(summary) for name, summary in ratios(styles, reference).items()},
    }


def _summaries(rows: Rows, reference: str) -> dict[str, Summary]:
    return {name: row.curves[reference].summary() for name, row in rows.items()}


def _ratio(rows: Rows, reference: str) -> dict[str, Summary]:
    """The rows after that of the first mode, relative to it."""
    found = _summaries(rows, reference)
    outputs = [name for name in found if name != INPUT and name not in BASELINES]
    first, *others = [*outputs, *(name for name in (INPUT, *BASELINES) if name in found)]
    return {f"{name} / {first}": ratio_summary(found[name], found[first]) for name in others}


def _summary_table(rows: Mapping[str, Summary], corner: str = "") -> str:
    shown = [column for column in METRICS if any(column in row.mean for row in rows.values())]
    return markdown(
        [corner, *shown],
        [
            [name, *(_cell(number(row.mean.get(c)), number(row.last_quarter.get(c))) for c in shown)]
            for name, row in rows.items()
        ],
    )


def _cell(whole: str, late: str) -> str:
    return f"{whole} ({late})" if late else whole


def _both(summary: Summary) -> dict[str, dict[str, float]]:
    return {"mean": dict(summary.mean), "last_quarter": dict(summary.last_quarter)}
