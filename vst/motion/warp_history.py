"""Memory across occlusion: what is uncovered is painted as it was before it was hidden.

What cannot be trusted at t−1 is looked for at t−2, t−4, ..., each by direct flow with its own mask, and
filled from the nearest frame that can be trusted: the long-term consistency of Ruder et al. (2016), applied
to the network's input instead of its loss.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vst.frame import Motion
from vst.motion.warping import warp


def recall(motions: Mapping[int, Motion], outputs: Mapping[int, Tensor]) -> tuple[Tensor, Tensor]:
    """Earlier outputs brought to the current frame, each pixel from the nearest frame that it can trust.

    Args:
        motions: By distance, as ``Tracked.motions``.
        outputs: Earlier stylised frames by distance, 3×H×W, −1..1, of the motions' size. A distance that
            is only in one of the two mappings is left out.

    Returns:
        (image, mask): image 3×H×W, the warped outputs (Lanczos), 0 where nothing can be trusted; mask
        1×H×W, 1 where the image holds something, 0 where it is empty.

    Raises:
        ValueError: There is no distance in common, or sizes differ.
    """
    common = sorted(motions.keys() & outputs.keys())
    if not common:
        raise ValueError(
            f"motions reach back {sorted(motions)} frames and outputs {sorted(outputs)}; "
            "expected one in common"
        )
    nearest = common[0]
    image = torch.zeros_like(outputs[nearest])
    mask = torch.zeros_like(motions[nearest].mask)
    for distance in common:
        motion = motions[distance]
        fill = (motion.mask > 0.5) & (mask < 0.5)
        if not fill.any():
            continue
        image = torch.where(fill, warp(outputs[distance], motion.flow, mode="lanczos"), image)
        mask = mask + fill.to(mask.dtype)
    return image, mask
