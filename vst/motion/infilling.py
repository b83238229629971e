"""Motion over several frames for what has just come back: which flow counts there, and whose is borrowed.

What comes back is a narrow strip beside the thing that hid it. Patches that search for it see both, so its
own flow is mostly wrong; what lies further in, or along the strip, has the right one. So flow is taken from
the nearest trusted pixels left, right, above and below, and believed if by it the pictures look alike.

Where flow failed altogether (fast snow, water, smoke), a pixel here and there looks alike by chance, at
every distance another. Paint fetched so is confetti. Such pixels disagree with their neighbours: `coherent`
leaves them out.
docs/adr/0014-flow-infilling.md has the figures.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.motion.consistency import FAR
from vst.motion.neighbourhood import mean_around
from vst.motion.warping import inside, warp

REACH = 32
"""Pixels over which flow is borrowed: thrice what a fast thing uncovers in a frame."""

_AGREED = 0.25
"""Pixels by which the flow of neighbours may differ that move as one."""

MAJORITY = 0.4
"""Share of the neighbours that have to: on the edge of a strip half of them lie outside."""

LENT = 0.2
"""The same of what is lent: several distances share a strip, and a few neighbours tell it from confetti."""

_RINGS = (2, 4)
"""Distances in pixels of the neighbours that are asked, eight on each ring."""

_USUAL = 3.0
"""How many times the usual difference of trusted flow a borrowed one may leave."""

_LEAST = 0.004
"""Such a difference, of 1, is never too much: a grey level of 8 bits. More than `FAR` always is."""

_WINDOW = 3
"""Side of the neighbourhoods over which pictures are compared."""


def coherent(flow: Tensor, mask: Tensor, share: float = MAJORITY) -> Tensor:
    """The part of a mask whose pixels move like most of what surrounds them.

    Args:
        flow: 2×H×W, pixels.
        mask: 1×H×W, 0 or 1.
        share: How many of the neighbours have to agree, of 1.

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
        there = around[:, margin + y : margin + y + height, margin + x : margin + x + width]
        apart = (there[:2] - flow).square().sum(0, keepdim=True)
        agreeing += there[2:] * (apart < _AGREED**2)
    return mask * (agreeing >= share * len(offsets))


def borrow(flow: Tensor, mask: Tensor, current: Tensor, earlier: Tensor) -> tuple[Tensor, Tensor]:
    """Flow for what is not trusted, from trusted pixels beside it, and how well it fits.

    Args:
        flow: 2×H×W, pixels, current -> earlier.
        mask: 1×H×W, 1 where it is trusted.
        current: C×H×W, 0..1.
        earlier: C×H×W, 0..1.

    Returns:
        (flow, misfit): the flow, 2×H×W, changed where one was found that fits; and 1×H×W, the mean
        difference that it leaves there between the pictures, infinite elsewhere.
    """
    raw = current - warp(earlier, flow, mode="bilinear")
    light = raw.flatten(1).median(dim=1).values[:, None, None]
    bound = min(max(_USUAL * float(_local(raw - light).median()), _LEAST), FAR)
    misfit = torch.full_like(mask, bound)
    found = flow
    for candidate, near in _beside(flow, mask):
        # The best of the windows that hold the pixel: one lies on its own side of the outline.
        windows = _local(current - warp(earlier, candidate, mode="bilinear") - light)
        left = -F.max_pool2d(-windows[None], _WINDOW, 1, _WINDOW // 2)[0]
        better = near & inside(candidate) & (left < misfit)
        misfit = torch.where(better, left, misfit)
        found = torch.where(better, candidate, found)
    return found, torch.where(misfit < bound, misfit, torch.inf)


def _local(difference: Tensor) -> Tensor:
    """Mean absolute difference over channels and windows: C×H×W to 1×H×W."""
    return mean_around(difference.abs().mean(0, keepdim=True), _WINDOW)


def _beside(flow: Tensor, mask: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Four times the flow of the nearest trusted pixel in one direction, and where there is one near.

    Yields:
        2×H×W, and 1×H×W, bool: untrusted, and a trusted pixel within `REACH`.
    """
    trusted = mask[0] > 0.5
    for dim in (0, 1):
        length = trusted.shape[dim]
        places = torch.arange(length, device=mask.device).unsqueeze(1 - dim).expand_as(trusted)
        for backwards in (False, True):
            known = trusted.flip(dim) if backwards else trusted
            last = torch.where(known, places, -1).cummax(dim).values
            near = (last >= 0) & (places - last <= REACH)
            source = last.clamp(min=0)
            if backwards:
                source, near = (length - 1 - source).flip(dim), near.flip(dim)
            yield torch.gather(flow, dim + 1, source.expand_as(flow)), (near & ~trusted)[None]
