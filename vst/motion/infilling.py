"""Flow infilling: motion over several frames for pixels whose own flow is not trusted.

What becomes visible again is often a narrow strip beside the object that hid it. Patches that search for
its match contain both, so its own flow is mostly wrong, while flow farther inside the region or along the
strip is right. Flow is therefore copied from the nearest trusted pixels to the left, right, above and
below, and kept where the two frames look alike under it.

Where estimation failed altogether (fast snow, water, smoke), scattered pixels look alike by chance, each at
a different distance. Such pixels disagree with their neighbours, and `coherent` rejects them.
Measurements: docs/adr/0014-flow-infilling.md.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.motion.consistency import DISTANT_TOLERANCE
from vst.motion.neighbourhood import mean_around
from vst.motion.warping import inside, warp

MAX_INFILL_DISTANCE = 32
"""Pixels over which flow is copied: three times what a fast object uncovers in a frame."""

_SAME_FLOW = 0.25
"""Pixels by which the flow of two neighbours that move together may differ."""

MIN_AGREEING = 0.4
"""Share of the neighbours that have to agree: on the edge of a strip half of them lie outside."""

MIN_AGREEING_INFILLED = 0.2
"""The same for infilled flow: several distances share a strip, and few agreeing neighbours suffice to tell
it from scattered pixels."""

_RINGS = (2, 4)
"""Distances in pixels of the neighbours that are compared, eight on each ring."""

_MEDIAN_FACTOR = 3.0
"""How many times the median difference of the frame infilled flow may leave."""

_MIN_BOUND = 0.004
"""A difference up to this, of 1, is always accepted: a grey level of 8 bits. `DISTANT_TOLERANCE` is the
upper bound."""

_WINDOW = 3
"""Side of the neighbourhoods over which frames are compared."""


def coherent(flow: Tensor, mask: Tensor, share: float = MIN_AGREEING) -> Tensor:
    """The part of a mask whose pixels move like enough of their neighbours.

    Args:
        flow: 2×H×W, pixels.
        mask: 1×H×W, 0 or 1.
        share: Share of the neighbours that have to agree, 0..1.

    Returns:
        1×H×W, 0 or 1: 1 where the mask is 1 and that share of sixteen neighbours, two and four pixels away,
        are trusted too and have the same flow to a quarter of a pixel.
    """
    height, width = flow.shape[-2:]
    margin = max(_RINGS)
    around = F.pad(torch.cat((flow, mask)), (margin,) * 4, value=0.0)
    steps = (-1, 0, 1)
    offsets = [(r * y, r * x) for r in _RINGS for y in steps for x in steps if (y, x) != (0, 0)]
    agreeing = torch.zeros_like(mask)
    for y, x in offsets:
        neighbour = around[:, margin + y : margin + y + height, margin + x : margin + x + width]
        difference = (neighbour[:2] - flow).square().sum(0, keepdim=True)
        agreeing += neighbour[2:] * (difference < _SAME_FLOW**2)
    return mask * (agreeing >= share * len(offsets))


def infill_flow(flow: Tensor, mask: Tensor, current: Tensor, earlier: Tensor) -> tuple[Tensor, Tensor]:
    """Replace untrusted flow by that of nearby trusted pixels where the frames look alike under it.

    Args:
        flow: 2×H×W, pixels, current -> earlier.
        mask: 1×H×W, 1 where the flow is trusted.
        current: C×H×W, 0..1.
        earlier: C×H×W, 0..1.

    Returns:
        (flow, residual): the flow, 2×H×W, replaced where a candidate fits; and 1×H×W, the mean difference
        between the frames that it leaves there, infinite elsewhere.
    """
    raw = current - warp(earlier, flow, mode="bilinear")
    brightness = raw.flatten(1).median(dim=1).values[:, None, None]
    median = float(_local_difference(raw - brightness).median())
    bound = min(max(_MEDIAN_FACTOR * median, _MIN_BOUND), DISTANT_TOLERANCE)
    residual = torch.full_like(mask, bound)
    infilled = flow
    for candidate, available in _candidates(flow, mask):
        # The best of the windows that contain the pixel: one lies on its own side of the outline.
        windows = _local_difference(current - warp(earlier, candidate, mode="bilinear") - brightness)
        left = -F.max_pool2d(-windows[None], _WINDOW, 1, _WINDOW // 2)[0]
        better = available & inside(candidate) & (left < residual)
        residual = torch.where(better, left, residual)
        infilled = torch.where(better, candidate, infilled)
    return infilled, torch.where(residual < bound, residual, torch.inf)


def _local_difference(difference: Tensor) -> Tensor:
    """Mean absolute difference over channels and windows: C×H×W to 1×H×W."""
    return mean_around(difference.abs().mean(0, keepdim=True), _WINDOW)


def _candidates(flow: Tensor, mask: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """For each of four directions the flow of the nearest trusted pixel, and where there is one.

    Yields:
        2×H×W, and 1×H×W, bool: untrusted, with a trusted pixel within `MAX_INFILL_DISTANCE`.
    """
    trusted = mask[0] > 0.5
    for dim in (0, 1):
        length = trusted.shape[dim]
        positions = torch.arange(length, device=mask.device).unsqueeze(1 - dim).expand_as(trusted)
        for reverse in (False, True):
            known = trusted.flip(dim) if reverse else trusted
            last = torch.where(known, positions, -1).cummax(dim).values
            near = (last >= 0) & (positions - last <= MAX_INFILL_DISTANCE)
            source = last.clamp(min=0)
            if reverse:
                source, near = (length - 1 - source).flip(dim), near.flip(dim)
            yield torch.gather(flow, dim + 1, source.expand_as(flow)), (near & ~trusted)[None]
