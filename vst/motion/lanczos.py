"""Lanczos interpolation at any places: what can be warped again and again.

A painting that is kept is resampled at every frame, and what an interpolation does to it, it does n
times. After twelve shifts by (1.7, 0.4) pixels a painting's style loss is 4.2 times what it was with
cubic convolution of a = −0.75 (gradient energy 1.14 times, ringing), 6.6 times with a = −0.5 (0.45,
blurred) and 1.2 times with Lanczos over eight pixels (0.98):
docs/adr/0009-what-is-kept-is-warped-by-lanczos.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

RADIUS = 4
STEPS = 32
"""Places are rounded to this part of a pixel, as OpenCV does, so that all devices give the same numbers."""
_OPENCV_SIDE = 2**15 - 1
_OPENCV_CHANNELS = 4


def sample(image: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Values between pixels: Σ L(x − i) L(y − j) I(i, j) over 8×8 pixels, L(t) = sinc(t) sinc(t / 4).

    The border pixel is repeated outside. At whole places the picture is given back exactly. Gradients
    reach the image and the places as those of cubic interpolation, which is near enough to learn by.

    Args:
        image: B×C×H×W, fp32 or fp64.
        x: B×H'×W', in pixels, within 0..W−1.
        y: The same within 0..H−1.

    Returns:
        B×C×H'×W', of the image's type; not cut to its range: sinc overshoots beside edges.
    """
    found: Tensor = _Sample.apply(image, x, y)
    return found


class _Sample(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, x: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(image, x, y)
        small = max(*image.shape[-2:], *x.shape[-2:]) <= _OPENCV_SIDE
        with torch.no_grad():
            if image.device.type == "cpu" and image.dtype == torch.float32 and small:
                return _by_opencv(image, x, y)
            return _by_torch(image, x, y)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        image, x, y = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        with torch.enable_grad():
            inputs = [
                each.detach().requires_grad_(need) for each, need in zip((image, x, y), wanted, strict=True)
            ]
            smooth = _cubic(*inputs)
            asked = [each for each in inputs if each.requires_grad]
            found = iter(torch.autograd.grad(smooth, asked, gradients[0]))
        return tuple(next(found) if need else None for need in wanted)


def _cubic(image: Tensor, x: Tensor, y: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    grid = torch.stack((x * (2 / max(width - 1, 1)) - 1, y * (2 / max(height - 1, 1)) - 1), -1)
    return F.grid_sample(image, grid, mode="bicubic", padding_mode="border", align_corners=True)


def _by_opencv(image: Tensor, x: Tensor, y: Tensor) -> Tensor:
    import cv2  # here: who warps by other kernels does not need it

    out = image.new_empty(*image.shape[:2], *x.shape[1:])
    for b in range(len(image)):
        places = (np.ascontiguousarray(x[b].float().numpy()), np.ascontiguousarray(y[b].float().numpy()))
        for c in range(0, image.shape[1], _OPENCV_CHANNELS):
            planes = image[b, c : c + _OPENCV_CHANNELS].permute(1, 2, 0).contiguous().numpy()
            found = cv2.remap(planes, *places, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
            found = found.reshape(*x.shape[1:], -1)  # OpenCV drops the axis of a single channel
            out[b, c : c + _OPENCV_CHANNELS] = torch.from_numpy(found).permute(2, 0, 1)
    return out


def _by_torch(image: Tensor, x: Tensor, y: Tensor) -> Tensor:
    columns, across = _taps(x, image.shape[3])
    rows, down = _taps(y, image.shape[2])
    flat = image.flatten(2)
    out = torch.zeros(*image.shape[:2], x[0].numel(), dtype=image.dtype, device=image.device)
    for row, much in zip(rows, down, strict=True):
        for column, part in zip(columns, across, strict=True):
            place = (row * image.shape[3] + column).flatten(1)[:, None].expand(-1, image.shape[1], -1)
            out += flat.gather(2, place) * (much * part).to(image.dtype).flatten(1)[:, None]
    return out.unflatten(2, x.shape[1:])


def _taps(place: Tensor, size: int) -> tuple[list[Tensor], Tensor]:
    """Which eight pixels are read along an axis, and the weight of each, 8×B×H'×W'."""
    steps = torch.round(place.double() * STEPS).long()
    first = torch.div(steps, STEPS, rounding_mode="floor") - (RADIUS - 1)
    offsets = torch.arange(2 * RADIUS, device=place.device).view(-1, 1, 1, 1)
    away = (steps % STEPS).double() / STEPS + (RADIUS - 1) - offsets
    weights = torch.sinc(away) * torch.sinc(away / RADIUS)
    weights = weights / weights.sum(0)
    return [(first + int(each)).clamp(0, size - 1) for each in offsets.flatten()], weights
