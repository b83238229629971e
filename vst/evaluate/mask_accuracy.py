"""Precision and recall of occlusion masks against ground truth."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True)
class MaskScore:
    """Counts of pixels; add the scores of frames for that of a clip. Occluded is the positive class.

    Attributes:
        correct: Predicted occluded and near an occluded pixel (for the precision).
        predicted: Predicted occluded.
        found: Occluded and near a predicted pixel (for the recall). Equals ``correct`` without tolerance.
        occluded: Occluded in the ground truth.
    """

    correct: int = 0
    predicted: int = 0
    found: int = 0
    occluded: int = 0

    def __add__(self, other: MaskScore) -> MaskScore:
        return MaskScore(
            self.correct + other.correct,
            self.predicted + other.predicted,
            self.found + other.found,
            self.occluded + other.occluded,
        )

    @property
    def precision(self) -> float:
        """Share of the predicted pixels that are occluded; not a number if none was predicted."""
        return self.correct / self.predicted if self.predicted else float("nan")

    @property
    def recall(self) -> float:
        """Share of the occluded pixels that were predicted; not a number if none is occluded."""
        return self.found / self.occluded if self.occluded else float("nan")


def score_mask(mask: Tensor, visible: Tensor, tolerance: int = 0) -> MaskScore:
    """Compare a mask with the ground truth.

    Args:
        mask: 1×H×W, 1 where the earlier frame is trusted, 0 where a pixel is predicted occluded.
        visible: 1×H×W, 1 where the earlier frame shows what the current one does.
        tolerance: Pixels along x and y within which a predicted pixel matches an occluded one.

    Raises:
        ValueError: The shapes differ.
    """
    if mask.shape != visible.shape or mask.dim() != 3:
        raise ValueError(
            f"mask of shape {tuple(mask.shape)} and ground truth of {tuple(visible.shape)}; "
            "expected 1×H×W of one size"
        )
    predicted, occluded = mask < 0.5, visible < 0.5
    return MaskScore(
        int((predicted & _dilate(occluded, tolerance)).sum()),
        int(predicted.sum()),
        int((occluded & _dilate(predicted, tolerance)).sum()),
        int(occluded.sum()),
    )


def _dilate(region: Tensor, by: int) -> Tensor:
    if by <= 0:
        return region
    return F.max_pool2d(region[None].float(), 2 * by + 1, stride=1, padding=by)[0] > 0.5
