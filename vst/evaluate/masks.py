"""How well an occlusion mask finds what is really hidden."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True)
class MaskScore:
    """Counts of pixels; add the scores of frames for that of a clip. Occluded is the positive class.

    Attributes:
        found: Called occluded that are (for the precision).
        called: Called occluded.
        hit: Occluded that are called so (for the recall). Equals ``found`` without tolerance.
        occluded: Occluded.
    """

    found: int = 0
    called: int = 0
    hit: int = 0
    occluded: int = 0

    def __add__(self, other: MaskScore) -> MaskScore:
        return MaskScore(
            self.found + other.found,
            self.called + other.called,
            self.hit + other.hit,
            self.occluded + other.occluded,
        )

    @property
    def precision(self) -> float:
        """Part of what was called occluded that is; not a number if nothing was."""
        return self.found / self.called if self.called else float("nan")

    @property
    def recall(self) -> float:
        """Part of what is occluded that was called so; not a number if nothing is."""
        return self.hit / self.occluded if self.occluded else float("nan")


def score_mask(mask: Tensor, visible: Tensor, tolerance: int = 0) -> MaskScore:
    """Compare a mask to the truth.

    Args:
        mask: 1×H×W, 1 where the earlier frame is trusted, 0 where it is called occluded.
        visible: 1×H×W, 1 where it really shows what the current one does.
        tolerance: A pixel called occluded also counts as right within so many pixels (along x, y or both)
            of an occluded one, and an occluded one as found so near to one that was called.

    Raises:
        ValueError: The shapes differ.
    """
    if mask.shape != visible.shape or mask.dim() != 3:
        raise ValueError(
            f"a mask of shape {tuple(mask.shape)} against a truth of {tuple(visible.shape)}; "
            "expected 1×H×W of one size"
        )
    called, occluded = mask < 0.5, visible < 0.5
    return MaskScore(
        int((called & _grown(occluded, tolerance)).sum()),
        int(called.sum()),
        int((occluded & _grown(called, tolerance)).sum()),
        int(occluded.sum()),
    )


def _grown(region: Tensor, by: int) -> Tensor:
    if by <= 0:
        return region
    return F.max_pool2d(region[None].float(), 2 * by + 1, stride=1, padding=by)[0] > 0.5
