"""Errors of estimated optical flow against ground truth.

With e the length of the difference of estimated and true flow at a pixel:

- EPE, the end-point error: the mean of e, in pixels (Baker 2011); also separately over the pixels that the
  second frame shows (matched) and those that it does not (occluded)
- Fl-all, in percent: pixels with e > 3 px and e > 5 % of the true length (KITTI 2015, Menze & Geiger)
- precision and recall of ``consistency_mask`` as a predictor of occlusion

All are over the pixels whose true flow is known, of all pairs together.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vst.evaluate.flow_datasets import FlowPair
from vst.evaluate.mask_accuracy import MaskScore, score_mask
from vst.motion.consistency import consistency_mask
from vst.motion.estimator import Estimator

OUTLIER_PIXELS = 3.0
OUTLIER_SHARE = 0.05
"""Of the true length."""


@dataclass(frozen=True, slots=True)
class FlowScore:
    """Counts and sums; add the scores of pairs for that of a data set.

    Attributes:
        pixels: Pixels with known flow.
        error: Sum of their end-point errors.
        outliers: Those that Fl-all counts.
        matched: Those that the second frame shows; 0 where occlusion is unknown.
        matched_error: Sum of their end-point errors.
        occluded: Those that the second frame does not show.
        occluded_error: Sum of their end-point errors.
        mask: Score of the consistency mask, without tolerance.
        seconds: Time of each pair, both directions.
    """

    pixels: int = 0
    error: float = 0.0
    outliers: int = 0
    matched: int = 0
    matched_error: float = 0.0
    occluded: int = 0
    occluded_error: float = 0.0
    mask: MaskScore = field(default_factory=MaskScore)
    seconds: tuple[float, ...] = ()

    def __add__(self, other: FlowScore) -> FlowScore:
        return FlowScore(
            self.pixels + other.pixels,
            self.error + other.error,
            self.outliers + other.outliers,
            self.matched + other.matched,
            self.matched_error + other.matched_error,
            self.occluded + other.occluded,
            self.occluded_error + other.occluded_error,
            self.mask + other.mask,
            self.seconds + other.seconds,
        )

    @property
    def epe(self) -> float:
        """Mean end-point error in pixels; not a number if no flow is known."""
        return _ratio(self.error, self.pixels)

    @property
    def epe_matched(self) -> float:
        """The same over matched pixels; not a number if occlusion is unknown."""
        return _ratio(self.matched_error, self.matched)

    @property
    def epe_occluded(self) -> float:
        """The same over occluded pixels; not a number if there is none."""
        return _ratio(self.occluded_error, self.occluded)

    @property
    def fl_all(self) -> float:
        """Share of outliers in percent."""
        return 100 * _ratio(self.outliers, self.pixels)

    @property
    def pair_seconds(self) -> float:
        """Median time of a pair; not a number if none was measured."""
        return statistics.median(self.seconds) if self.seconds else float("nan")


def _ratio(part: float, whole: int) -> float:
    return part / whole if whole else float("nan")


def score_flow(
    flow: Tensor, truth: Tensor, occluded: Tensor | None = None, mask: Tensor | None = None
) -> FlowScore:
    """Compare one flow with the ground truth.

    Args:
        flow: 2×H×W, pixels, x then y.
        truth: 2×H×W; not-a-number where unknown: those pixels do not count.
        occluded: 1×H×W boolean, true where the second frame does not show the pixel; None if unknown.
        mask: 1×H×W, 0 where a pixel is predicted occluded; None scores no mask.

    Raises:
        ValueError: The shapes differ.
    """
    if flow.shape != truth.shape or flow.dim() != 3 or flow.shape[0] != 2:
        raise ValueError(
            f"flow of shape {tuple(flow.shape)} and ground truth of {tuple(truth.shape)}; "
            "expected 2×H×W of one size"
        )
    known = truth.isfinite().all(dim=0)
    # Float64: sums over a whole data set.
    true = truth[:, known].double()
    error = (flow[:, known].double() - true).norm(dim=0)
    outliers = (error > OUTLIER_PIXELS) & (error > OUTLIER_SHARE * true.norm(dim=0))
    score = FlowScore(int(known.sum()), float(error.sum()), int(outliers.sum()))
    if occluded is None:
        return score
    hidden = occluded[0][known]
    scored = MaskScore() if mask is None else score_mask(mask[:, None, known], (~hidden)[None, None])
    return score + FlowScore(
        matched=int((~hidden).sum()),
        matched_error=float(error[~hidden].sum()),
        occluded=int(hidden.sum()),
        occluded_error=float(error[hidden].sum()),
        mask=scored,
    )


class ZeroFlow(Estimator):
    """Zero flow everywhere: the baseline that an estimator has to beat."""

    name = "zero"

    def estimate(self, a: Tensor, b: Tensor) -> Tensor:
        """See ``Estimator.estimate``."""
        return torch.zeros(2, *a.shape[-2:], device=a.device)


def evaluate_flow(
    pairs: Iterable[FlowPair], estimator: Estimator, progress: Callable[[FlowPair], None] | None = None
) -> FlowScore:
    """The score of an estimator on a data set.

    Args:
        pairs: From ``find_pairs``.
        estimator: From ``create_estimator``.
        progress: Called after every pair.

    Raises:
        MediaError: A file of the data set is missing or damaged.
    """
    total = FlowScore()
    for pair in pairs:
        sample = pair.load()
        began = time.perf_counter()
        forward, back = estimator.estimate_pair(sample.first, sample.second)
        seconds = time.perf_counter() - began
        # The mask of the first frame: where the second one can be trusted.
        mask = consistency_mask(back, forward)
        total = (
            total + score_flow(forward, sample.flow, sample.occluded, mask) + FlowScore(seconds=(seconds,))
        )
        if progress is not None:
            progress(pair)
    return total
