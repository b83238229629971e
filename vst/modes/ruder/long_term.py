"""Several earlier frames as one: the long-term loss of Ruder 2016, section 4.3."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def long_term_weights(masks: Sequence[Tensor]) -> list[Tensor]:
    """c_long of each earlier frame: what no nearer one shows (equation 10).

    c_long(i − j) = max(c(i − j) − Σ c(i − k), 0) over the nearer frames k < j.

    Args:
        masks: c of each, nearest first: of one shape, 0..1.
    """
    found, nearer = [], torch.zeros_like(masks[0])
    for mask in masks:
        found.append((mask - nearer).clamp_min(0))
        nearer = nearer + mask
    return found


def together(pictures: Sequence[Tensor], weights: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """One picture and one weight for each pixel with the loss of several.

    Σ cⱼ (x − ωⱼ)² is C (x − ω)² and a constant, with C = Σ cⱼ and ω the mean of ωⱼ with the weights cⱼ.

    Args:
        pictures: ωⱼ, 3×H×W each.
        weights: cⱼ, 1×H×W each.

    Returns:
        ω, 0 where all weights are; and C.
    """
    whole = torch.stack(tuple(weights)).sum(0)
    total = torch.stack([weight * each for each, weight in zip(pictures, weights, strict=True)]).sum(0)
    return torch.where(whole > 0, total / whole.clamp_min(1e-6), torch.zeros_like(total)), whole
