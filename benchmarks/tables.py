"""Results as markdown and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.markdown import markdown, number
from benchmarks.means import mean_rows, mean_summary, mean_values, ratio_summary, ratio_values
from benchmarks.measure import Row
from vst.evaluate import METRICS, MaskScore, Summary

Rows = Mapping[str, Row]
"""The rows of one clip."""

RATIO = "vtn / itn"


def table(rows: Rows, reference: str) -> str:
    """A markdown table of one clip: each value with that of the last quarter of each shot behind it."""
    return _summary_table({**_summaries(rows, reference), **_ratio(rows, reference)})


def mean_table(styles: Mapping[str, Rows], reference: str) -> str:
    """The same of the means over styles, of those rows that all have."""
    return _summary_table(mean_rows([_summaries(rows, reference) for rows in styles.values()]))


def ratio_table(styles: Mapping[str, Rows], reference: str) -> str:
    """vtn / itn of each style, and the mean of these ratios; all styles have to have both."""
    return _summary_table(ratios(styles, reference), RATIO)


def ratios(styles: Mapping[str, Rows], reference: str) -> dict[str, Summary]:
    """vtn / itn by style, and their mean; empty if a style has not both."""
    by_style = {style: _ratio(rows, reference) for style, rows in styles.items()}
    if not all(by_style.values()):
        return {}
    found = {style: ratio[RATIO] for style, ratio in by_style.items()}
    return {"mean": mean_summary(list(found.values())), **found}


def reappearance_table(styles: Mapping[str, Rows]) -> str:
    """A markdown table of the errors of what comes back, by style, with their mean if there are several."""
    errors = reappearance(styles)
    columns = list(dict.fromkeys(name for values in errors.values() for name in values))
    return markdown(
        ["E", *columns],
        [[style, *(number(values.get(name)) for name in columns)] for style, values in errors.items()],
    )


def reappearance(styles: Mapping[str, Rows]) -> dict[str, dict[str, float]]:
    """Errors of what comes back by style and row, with vtn / itn; of several styles also the means."""
    errors = {}
    for style, rows in styles.items():
        found = {
            name: row.reappearance.error
            for name, row in rows.items()
            if row.reappearance is not None and row.reappearance.pixels
        }
        if "vtn" in found and "itn" in found:
            found |= ratio_values({RATIO: found["vtn"]}, {RATIO: found["itn"]})
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
        RATIO: {name: _both(summary) for name, summary in ratios(styles, reference).items()},
    }


def _summaries(rows: Rows, reference: str) -> dict[str, Summary]:
    return {name: row.curves[reference].summary() for name, row in rows.items()}


def _ratio(rows: Rows, reference: str) -> dict[str, Summary]:
    if "vtn" not in rows or "itn" not in rows:
        return {}
    found = _summaries(rows, reference)
    return {RATIO: ratio_summary(found["vtn"], found["itn"])}


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
