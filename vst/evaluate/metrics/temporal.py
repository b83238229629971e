"""Motion-compensated temporal errors.

With O_t the output at frame t, W_t the bicubic backward warp into frame t by the reference flow, m its mask
and D = 3·H·W.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from vst.evaluate.images import check_same_shape
from vst.evaluate.metrics.metric import Metric, Sample
from vst.motion.warping import warp


def temporal_error(previous: Tensor, current: Tensor, flow: Tensor, mask: Tensor) -> float:
    """(1/D) Σ m (O_t − W_t(O_{t−1}))²: one term of E (thesis, equation 5.7 and table 6.1).

    The root of its mean over a clip is e_stab (Gao et al. 2018, ReCoNet).

    Args:
        previous: O_{t−1}, 3×H×W, 0..1.
        current: O_t, 3×H×W, 0..1.
        flow: 2×H×W, pixels, backward: pixel p of t was at p + flow(p) in t−1.
        mask: 1×H×W, 1 where the earlier frame can be trusted.

    Raises:
        ValueError: The images differ in shape.
    """
    return temporal_errors(previous, current, flow, mask)[0]


def warping_error(previous: Tensor, current: Tensor, flow: Tensor, mask: Tensor) -> float:
    """Σ m (O_t − W_t(O_{t−1}))² / (3 Σ m): the error per trusted pixel (Lai et al. 2018, E_warp).

    Arguments and errors as of ``temporal_error``; not a number where no pixel is trusted.
    """
    return temporal_errors(previous, current, flow, mask)[1]


def temporal_errors(previous: Tensor, current: Tensor, flow: Tensor, mask: Tensor) -> tuple[float, float]:
    """``temporal_error`` and ``warping_error`` by one warp."""
    check_same_shape(previous, current)
    squares = (mask.float() * (current.float() - warp(previous.float(), flow)).square()).double().sum()
    trusted = float(mask.double().sum()) * current.shape[0]
    total = float(squares)
    return total / current.numel(), total / trusted if trusted > 0 else math.nan


def _errors(sample: Sample) -> tuple[float, float]:
    if sample.previous is None or sample.motion is None:
        return math.nan, math.nan
    earlier, later = sample.previous, sample.output
    if sample.forward:
        earlier, later = later, earlier
    return temporal_errors(earlier, later, sample.motion.flow, sample.motion.mask)


def _temporal_error(sample: Sample) -> float:
    return sample.once(_errors)[0]


def _warping_error(sample: Sample) -> float:
    return sample.once(_errors)[1]


def _stability_error(means: Mapping[str, float]) -> float | None:
    return math.sqrt(means["E"]) if "E" in means else None


METRICS = (
    Metric(
        name="E",
        title="Temporal error E",
        definition="mean over frames of (1/D) Σ m (O_t − W(O_{t−1}))²: O the output, W the bicubic warp by "
        "the reference flow, m its mask, D = H·W·C",
        unit="(0..1)²",
        better="lower",
        section="temporal",
        measure=_temporal_error,
        uses_motion=True,
    ),
    Metric(
        name="e_stab",
        title="Stability error",
        definition="√E, as in ReCoNet's tables",
        unit="0..1",
        better="lower",
        section="temporal",
        derive=_stability_error,
        uses_motion=True,
    ),
    Metric(
        name="E_warp",
        title="Warping error E_warp",
        definition="E per trusted pixel: divided by C Σ m instead of D",
        unit="(0..1)²",
        better="lower",
        section="temporal",
        measure=_warping_error,
        uses_motion=True,
    ),
)
