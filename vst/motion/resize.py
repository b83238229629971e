"""Resizing of flow and masks."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def resize_flow(flow: Tensor, size: Sequence[int]) -> Tensor:
    """Flow at another size, with its vectors scaled accordingly.

    Args:
        flow: 2×h×w, pixels, x then y; NaN spreads to its neighbours.
        size: Height and width.

    Returns:
        2×H×W in pixels of the new size: bilinear if enlarged, area means if reduced.
    """
    height, width = flow.shape[-2:]
    if (height, width) == tuple(size):
        return flow
    scale = flow.new_tensor((size[1] / width, size[0] / height)).view(2, 1, 1)
    return _resize(flow, size, "bilinear") * scale


def resize_mask(mask: Tensor, size: Sequence[int]) -> Tensor:
    """A mask of zeros and ones, 1×h×w, at another size: nearest if enlarged, the majority if reduced."""
    if mask.shape[-2:] == tuple(size):
        return mask
    return (_resize(mask, size, "nearest") > 0.5).to(mask.dtype)


def halve(image: Tensor) -> Tensor:
    """A picture, C×H×W, at half its size, rounded up: area means."""
    return _resize(image, [(side + 1) // 2 for side in image.shape[-2:]], "bilinear")


def _resize(field: Tensor, size: Sequence[int], enlarging: str) -> Tensor:
    if size[0] < field.shape[-2] or size[1] < field.shape[-1]:
        return F.interpolate(field[None], size=tuple(size), mode="area")[0]
    options = {"align_corners": False} if enlarging == "bilinear" else {}
    return F.interpolate(field[None], size=tuple(size), mode=enlarging, **options)[0]
