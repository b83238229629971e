"""All that a new metric needs: this file, and its name in ``FAMILIES``."""

from __future__ import annotations

from vst.evaluate.metrics.metric import Metric, Sample


def _brightness(sample: Sample) -> float:
    return float(sample.output.mean())


METRICS = (
    Metric(
        name="brightness",
        title="Mean brightness",
        definition="mean of all channels & pixels",
        unit="0..1",
        better="near the input's",
        section="appearance",
        measure=_brightness,
        form=".4f",
    ),
)
