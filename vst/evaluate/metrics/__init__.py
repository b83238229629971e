"""The metrics of `vst evaluate`, in the order in which they are shown.

A new metric is a file that defines ``METRICS``, and one line in ``FAMILIES``. The table on the terminal,
the JSON, the curves, the report and the table in docs/evaluation.md come from this registry.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from vst.evaluate.metrics.metric import Metric

FAMILIES = (
    "vst.evaluate.metrics.temporal",
    "vst.evaluate.metrics.adjacent",
    "vst.evaluate.metrics.reappearance",
    "vst.evaluate.metrics.perceptual",
    "vst.evaluate.metrics.detail",
    "vst.evaluate.metrics.texture",
)
"""Modules, each with a tuple ``METRICS``."""


def load_metrics(families: Sequence[str]) -> dict[str, Metric]:
    """The metrics of some modules by name.

    Raises:
        ValueError: Two metrics have one name.
    """
    found: dict[str, Metric] = {}
    for family in families:
        for metric in importlib.import_module(family).METRICS:
            if metric.name in found:
                raise ValueError(f"{family} defines metric {metric.name} again; expected another name")
            found[metric.name] = metric
    return found


METRICS = load_metrics(FAMILIES)
"""Name -> metric."""


def metrics_table() -> str:
    """The registry as the markdown table of docs/evaluation.md."""
    rows = [("metric", "definition", "unit", "better"), ("---",) * 4]
    for metric in METRICS.values():
        definition = metric.definition.replace("|", "\\|")
        rows.append((f"`{metric.name}`", definition, metric.unit, metric.better))
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in rows)
