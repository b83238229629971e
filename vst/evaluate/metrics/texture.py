"""Where texture is lost, or added, beside the per-frame stylization: smears, seams and speckles.

Means over a frame hide these: a smear in a fifth of the picture hardly lowers its gradient energy.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.evaluate.images import check_same_shape, detail_energy
from vst.evaluate.metrics.metric import Metric, Sample

WINDOW = 32
"""Side of the windows in pixels, in frames with a short side of `WINDOW_AT`; in proportion elsewhere."""

WINDOW_AT = 360

_FLAT = 0.15
"""Windows in which the per-frame stylization has less than this share of its median are left out."""

HALF, TWICE = 0.5, 2.0
"""Of the per-frame detail energy: windows below are soft, windows above are rough."""


def window_energy(image: Tensor) -> Tensor:
    """Mean detail energy in windows, rows × columns; a rest at the right and bottom is left out.

    Args:
        image: 3×H×W, 0..1.
    """
    side = max(1, round(WINDOW * min(image.shape[-2:]) / WINDOW_AT))
    return F.avg_pool2d(detail_energy(image), min(side, *image.shape[-2:]))[0]


def texture_shares(output: Tensor, per_frame: Tensor) -> tuple[float, float]:
    """Shares of windows that are soft and rough beside the per-frame stylization of the same frame.

    Args:
        output: 3×H×W, 0..1.
        per_frame: 3×H×W.

    Returns:
        (soft, rough): detail energy below half, and above twice, of the per-frame one's, among the windows
        in which that has at least 0.15 of its median.

    Raises:
        ValueError: The images differ in shape.
    """
    check_same_shape(output, per_frame)
    ratio = texture_ratio(output, per_frame)
    counted = ratio[ratio.isfinite()]
    if not counted.numel():
        return 0.0, 0.0
    return float((counted < HALF).float().mean()), float((counted > TWICE).float().mean())


def texture_ratio(output: Tensor, per_frame: Tensor) -> Tensor:
    """Detail energy over that of the per-frame stylization, rows × columns; NaN where it does not count."""
    own, other = window_energy(output), window_energy(per_frame)
    counts = other > _FLAT * other.median()
    return torch.where(counts, own / other, torch.nan)


def _shares(sample: Sample) -> tuple[float, float] | None:
    if sample.per_frame is None or sample.per_frame is sample.output:
        return None
    return texture_shares(sample.output, sample.per_frame)


def _soft(sample: Sample) -> float | None:
    shares = sample.once(_shares)
    return None if shares is None else shares[0]


def _rough(sample: Sample) -> float | None:
    shares = sample.once(_shares)
    return None if shares is None else shares[1]


METRICS = (
    Metric(
        name="soft",
        title="Soft windows",
        definition="share of windows (32×32 pixels at 360p) with less than half the detail energy of the "
        "per-frame mode's, the mean of (Y − its 5×5 mean)²: smears; with --baseline",
        unit="",
        better="lower",
        section="appearance",
        measure=_soft,
        form=".3f",
    ),
    Metric(
        name="rough",
        title="Rough windows",
        definition="share of these windows with more than twice that detail energy: seams and speckles",
        unit="",
        better="lower",
        section="appearance",
        measure=_rough,
        form=".3f",
    ),
)
