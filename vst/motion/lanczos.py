"""Lanczos interpolation at arbitrary positions, for images that are resampled repeatedly.

A propagated stylization is resampled at every frame, so the error of the interpolation accumulates. After
twelve shifts by (1.7, 0.4) pixels the style loss of a stylized frame has grown 4.2 times with cubic
convolution of a = −0.75 (gradient energy 1.14 times: ringing), 6.6 times with a = −0.5 (0.45: blur) and 1.2
times with Lanczos over eight pixels (0.98): docs/adr/0009-what-is-kept-is-warped-by-lanczos.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

_RADIUS = 4
"""Pixels that the kernel extends to either side."""

_STEPS_PER_PIXEL = 32
"""Positions are rounded to this fraction of a pixel, as OpenCV does, so that all devices give the same
numbers."""

_OPENCV_MAX_SIDE = 2**15 - 1
_OPENCV_MAX_CHANNELS = 4


def sample(image: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Values between pixels: Σ L(x − i) L(y − j) I(i, j) over 8×8 pixels, L(t) = sinc(t) sinc(t / 4).

    Outside of the image the border pixel is repeated. At integer positions the image is returned exactly.
    Gradients with respect to the image and the positions are those of cubic interpolation, which is close
    enough for training.

    Args:
        image: B×C×H×W, fp32 or fp64.
        x: B×H'×W', pixels, 0..W−1.
        y: The same, 0..H−1.

    Returns:
        B×C×H'×W', of the image's type; not clamped, although sinc overshoots beside edges.
    """
    sampled: Tensor = _Sample.apply(image, x, y)
    return sampled


class _Sample(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, x: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(image, x, y)
        small = max(*image.shape[-2:], *x.shape[-2:]) <= _OPENCV_MAX_SIDE
        with torch.no_grad():
            if image.device.type == "cpu" and image.dtype == torch.float32 and small:
                return _by_opencv(image, x, y)
            return _by_torch(image, x, y)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        image, x, y = ctx.saved_tensors
        required = ctx.needs_input_grad
        with torch.enable_grad():
            inputs = [
                each.detach().requires_grad_(need)
                for each, need in zip((image, x, y), required, strict=True)
            ]
            cubic = _cubic(*inputs)
            differentiable = [each for each in inputs if each.requires_grad]
            computed = iter(torch.autograd.grad(cubic, differentiable, gradients[0]))
        return tuple(next(computed) if need else None for need in required)


def _cubic(image: Tensor, x: Tensor, y: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    grid = torch.stack((x * (2 / max(width - 1, 1)) - 1, y * (2 / max(height - 1, 1)) - 1), -1)
    return F.grid_sample(image, grid, mode="bicubic", padding_mode="border", align_corners=True)


def _by_opencv(image: Tensor, x: Tensor, y: Tensor) -> Tensor:
    import cv2  # here, since the other interpolations do not need it

    out = image.new_empty(*image.shape[:2], *x.shape[1:])
    for b in range(len(image)):
        positions = (np.ascontiguousarray(x[b].float().numpy()), np.ascontiguousarray(y[b].float().numpy()))
        for c in range(0, image.shape[1], _OPENCV_MAX_CHANNELS):
            planes = image[b, c : c + _OPENCV_MAX_CHANNELS].permute(1, 2, 0).contiguous().numpy()
            sampled = cv2.remap(planes, *positions, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
            sampled = sampled.reshape(*x.shape[1:], -1)  # OpenCV drops the axis of a single channel
            out[b, c : c + _OPENCV_MAX_CHANNELS] = torch.from_numpy(sampled).permute(2, 0, 1)
    return out


def _by_torch(image: Tensor, x: Tensor, y: Tensor) -> Tensor:
    columns, column_weights = _taps(x, image.shape[3])
    rows, row_weights = _taps(y, image.shape[2])
    flat = image.flatten(2)
    out = torch.zeros(*image.shape[:2], x[0].numel(), dtype=image.dtype, device=image.device)
    for row, row_weight in zip(rows, row_weights, strict=True):
        for column, column_weight in zip(columns, column_weights, strict=True):
            index = (row * image.shape[3] + column).flatten(1)[:, None].expand(-1, image.shape[1], -1)
            weight = (row_weight * column_weight).to(image.dtype).flatten(1)[:, None]
            out += flat.gather(2, index) * weight
    return out.unflatten(2, x.shape[1:])


def _taps(position: Tensor, size: int) -> tuple[list[Tensor], Tensor]:
    """The eight pixels that are read along an axis, and the weight of each, 8×B×H'×W'."""
    steps = torch.round(position.double() * _STEPS_PER_PIXEL).long()
    first = torch.div(steps, _STEPS_PER_PIXEL, rounding_mode="floor") - (_RADIUS - 1)
    offsets = torch.arange(2 * _RADIUS, device=position.device).view(-1, 1, 1, 1)
    away = (steps % _STEPS_PER_PIXEL).double() / _STEPS_PER_PIXEL + (_RADIUS - 1) - offsets
    weights = torch.sinc(away) * torch.sinc(away / _RADIUS)
    weights = weights / weights.sum(0)
    return [(first + int(each)).clamp(0, size - 1) for each in offsets.flatten()], weights
