"""How much detail an image has."""

from __future__ import annotations

from torch import Tensor

from vst.evaluate.images import luma
from vst.evaluate.metrics.metric import Metric, Sample


def gradient_energy(image: Tensor) -> float:
    """Mean of |∇Y|², from differences of adjacent pixels. Blur lowers it.

    Y is BT.709 luma. ∇Y(p) = (Y(p + (1, 0)) − Y(p), Y(p + (0, 1)) − Y(p)); the result is the mean over all
    such differences along x plus that along y.

    Args:
        image: 3×H×W, 0..1.
    """
    y = luma(image)
    return float(y.diff(dim=1).double().square().mean() + y.diff(dim=0).double().square().mean())


def _gradient(sample: Sample) -> float:
    return gradient_energy(sample.output)


METRICS = (
    Metric(
        name="gradient",
        title="Gradient energy",
        definition="mean |∇Y|² of luma: the amount of detail, which blur lowers",
        unit="(0..1)²/px²",
        better="not below the per-frame mode's",
        section="appearance",
        measure=_gradient,
    ),
)
