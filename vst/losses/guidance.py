"""Guidance: statistics of the features of one region (Gatys 2017, "Controlling perceptual factors").

A guidance channel T has a value for each place of a layer's features, and Σ T² = 1. The guided Gram matrix
is that of the features multiplied by it: G = Σ T² f fᵀ over the places, which is the mean over the region.
Where T is the same everywhere, G is the Gram matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import torch.nn.functional as F
from torch import Tensor

T = TypeVar("T")
M = TypeVar("M")

GUIDED = ("gram", "shifted")
"""The style losses, of `vst.losses.style_statistics`, that are products of features."""

_LEAST = 1e-12


def guidance_channel(mask: Tensor, height: int, width: int) -> Tensor:
    """T of a region at the size of a layer's features.

    Args:
        mask: 1×1×H×W, 0..1: where the region is, in the picture.
        height: Of the features.
        width: Of the features.

    Returns:
        1×1×height×width, fp32; its squares sum to 1.
    """
    share = F.adaptive_avg_pool2d(mask.float(), (height, width))
    return share / share.square().sum().clamp_min(_LEAST).sqrt()


def guided(features: Tensor, channel: Tensor) -> Tensor:
    """Features of a region, whose `gram_matrix` is guided.

    Args:
        features: B×N×h×w.
        channel: From `guidance_channel`, of this size.

    Returns:
        B×N×h×w of the type of the features: they are multiplied by T √M, as a Gram matrix divides by M.
    """
    places = features.shape[-2] * features.shape[-1]
    return features * (channel * places**0.5).to(features)


def with_masks(pictures: Sequence[T], masks: Sequence[M | None]) -> Iterator[tuple[T, M | None]]:
    """Each picture with its mask; None for those behind the last mask."""
    yield from zip(pictures, [*masks, *[None] * (len(pictures) - len(masks))], strict=True)


def guided_by(features: Tensor, mask: Tensor | None) -> Tensor:
    """Features 1×N×h×w of what a mask, 1×H×W, shows of a picture; as they are where it shows all."""
    if mask is None or bool((mask == 1).all()):
        return features
    return guided(features, guidance_channel(mask[None].to(features.device), *features.shape[-2:]))
