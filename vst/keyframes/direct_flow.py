"""Flow between frames that are no neighbours, estimated at once, and where it can be trusted.

What was hidden between them is found again, which composed flow cannot. Both have to look alike closely:
over such distances flow that is wrong in both directions is common.
"""

from __future__ import annotations

from torch import Tensor

from vst.keyframes.operations import Field, Operations
from vst.keyframes.trust import alike, difference, step_holds
from vst.motion.estimator import to_bytes
from vst.motion.estimators.dis import DisEstimator
from vst.motion.resize import halve

_TOLERANCE = 7.0
"""Luma, of 255, by which the two frames may differ."""

_LARGEST_TOLERANCE = 14.0
"""And in a noisy clip, at most: where most of the frame has changed, the median says nothing of noise."""

_SEARCH_SIDE = 240
"""Least short side in pixels at which flow is estimated: larger frames are halved while they keep it."""

_OPEN = 5
"""Side in pixels of the smallest region that is taken."""


def direct_flow(image: Tensor, other: Tensor, on: Operations) -> tuple[Field, Field]:
    """Flow from a frame to another one of its shot, and where it can be trusted.

    Args:
        image: 3×H×W, the frame; floats in 0..1.
        other: 3×H×W, the other frame; uint8, or floats in 0..1.
        on: What works on fields.

    Returns:
        H×W×2, pixels, and H×W bool.
    """
    height, width = image.shape[-2:]
    small = _small(to_bytes(image)), _small(to_bytes(other).to(image.device))
    lumas = [on.luma(each.float() / 255) for each in small]
    backward, forward = map(
        on.field, DisEstimator().estimate_pair(*(on.saved(each)[None] for each in lumas))
    )
    differences = difference(lumas[0], lumas[1], on.places(backward))
    similar = alike(differences, _TOLERANCE, _LARGEST_TOLERANCE)
    shown = on.opened(on.bytes(step_holds(backward, forward) & similar), _OPEN)
    flow = on.resized(backward, height, width)
    flow[..., 0] *= width / shown.shape[1]
    flow[..., 1] *= height / shown.shape[0]
    return flow, on.resized_mask(shown, height, width) > 0


def _small(image: Tensor) -> Tensor:
    """A picture, 3×H×W uint8, at the size at which flow is estimated."""
    while min(image.shape[-2:]) >= 2 * _SEARCH_SIDE:
        image = to_bytes(halve(image.float() / 255))
    return image
