"""Whether regions that were hidden come back with the same colours, under estimated motion."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from vst.evaluate.metrics.metric import Metric, Sample, Weighted
from vst.frame import Motion
from vst.motion.tracking import DISTANCES
from vst.motion.warping import warp

_FURTHER = ", ".join(str(distance) for distance in DISTANCES if distance > 1)


def reappearance_error(before: Tensor, after: Tensor, flow: Tensor, region: Tensor) -> float:
    """(1 / (3 |R|)) Σ over R of (O_t − W(O_s))²: error between a region's colours before and after.

    Args:
        before: O_s, 3×H×W, 0..1, the last output before the region was hidden.
        after: O_t, 3×H×W, 0..1, the first output that shows it again.
        flow: 2×H×W, pixels, backward: pixel p of t was at p + flow(p) in s.
        region: 1×H×W, 1 where t shows what was hidden in between.

    Returns:
        The error per pixel of the region; not a number if the region is empty.
    """
    size = float(region.double().sum()) * after.shape[0]
    if size == 0:
        return math.nan
    squares = region.float() * (after.float() - warp(before.float(), flow)).square()
    return float(squares.double().sum()) / size


def _reappearance(sample: Sample) -> Weighted | None:
    """The mean over pixels that cannot be trusted one frame back, but can be further back.

    Each of them counts at the nearest distance at which it is trusted.
    """
    errors, sizes = [], []
    for motion, region in _regions(sample.motions):
        pixels = int(region.sum())
        if not pixels or motion.distance > len(sample.earlier):
            continue
        before = sample.earlier[motion.distance - 1].to(torch.float32) / 255
        errors.append(reappearance_error(before, sample.output, motion.flow, region) * pixels)
        sizes.append(pixels)
    return Weighted(math.fsum(errors) / sum(sizes), sum(sizes)) if sizes else None


def _regions(motions: Mapping[int, Motion]) -> list[tuple[Motion, Tensor]]:
    """Each motion beyond distance 1 with what is trusted there but at no nearer one, 1×H×W boolean."""
    if 1 not in motions:
        return []
    hidden = motions[1].mask < 0.5
    regions = []
    for distance in sorted(set(motions) - {1}):
        motion = motions[distance]
        regions.append((motion, hidden & (motion.mask >= 0.5)))
        hidden = hidden & (motion.mask < 0.5)
    return regions


METRICS = (
    Metric(
        name="reappearance",
        title="Reappearance error",
        definition="E_warp over pixels that the frame before does not show, but one of the frames "
        f"{_FURTHER} back does: what was hidden for some frames",
        unit="(0..1)²",
        better="lower",
        section="appearance",
        measure=_reappearance,
        uses_motion=True,
    ),
)
