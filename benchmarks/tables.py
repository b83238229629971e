"""Results as markdown and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.measure import Row
from vst.evaluate import MaskScore

COLUMNS = ("E", "e_stab", "E_warp", "mse", "ssim", "content", "style", "gradient")


def table(rows: Mapping[str, Row], judge: str) -> str:
    """A markdown table of one clip: each value with that of the last quarter of each shot behind it."""
    shown = [column for column in COLUMNS if any(column in _mean(row, judge) for row in rows.values())]
    lines = ["| | " + " | ".join(shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for name, row in rows.items():
        whole, late = _mean(row, judge), _late(row, judge)
        cells = [_cell(_number(whole.get(c)), _number(late.get(c))) for c in shown]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    if "vtn" in rows and "itn" in rows:
        a, b = _mean(rows["vtn"], judge), _mean(rows["itn"], judge)
        x, y = _late(rows["vtn"], judge), _late(rows["itn"], judge)
        cells = [_cell(_ratio(a, b, c), _ratio(x, y, c)) for c in shown]
        lines.append("| vtn / itn | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _mean(row: Row, judge: str) -> Mapping[str, float]:
    return row.curves[judge].summary().mean


def _late(row: Row, judge: str) -> Mapping[str, float]:
    return row.curves[judge].summary().last_quarter


def _cell(whole: str, late: str) -> str:
    return f"{whole} ({late})" if late else whole


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _ratio(a: Mapping[str, float], b: Mapping[str, float], column: str) -> str:
    return _number(a[column] / b[column]) if b.get(column) and column in a else ""


def as_json(rows: Mapping[str, Row]) -> dict[str, Any]:
    """All values of a clip, with the curves."""
    return {
        name: {
            "seconds": row.seconds,
            "judges": {
                judge: {
                    "mean": dict(curves.summary().mean),
                    "last_quarter": dict(curves.summary().last_quarter),
                    "frames": [{"shot": p.shot, **p.values} for p in curves.points],
                }
                for judge, curves in row.curves.items()
            },
            **(
                {"reappearance": row.reappearance.error, "pixels": row.reappearance.pixels}
                if row.reappearance is not None and row.reappearance.pixels
                else {}
            ),
        }
        for name, row in rows.items()
    }


def reappearance_table(rows: Mapping[str, Row]) -> str:
    """A markdown table of the errors of what comes back."""
    errors = {name: row.reappearance.error for name, row in rows.items() if row.reappearance is not None}
    return "\n".join(
        (
            "| | " + " | ".join(errors) + " |",
            "|---" * (1 + len(errors)) + "|",
            "| E | " + " | ".join(_number(error) for error in errors.values()) + " |",
        )
    )


def mask_table(scores: Mapping[str, MaskScore]) -> str:
    """A markdown table of precision and recall."""
    lines = ["| | precision | recall |", "|---|---|---|"]
    lines += [f"| {key} | {score.precision:.3f} | {score.recall:.3f} |" for key, score in scores.items()]
    return "\n".join(lines)
