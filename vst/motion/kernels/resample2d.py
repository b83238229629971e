"""Bilinear sampling along a flow, with which FlowNet 2.0 warps the second image to the first."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from vst.motion.kernels.launch import launch
from vst.motion.kernels.operands import (
    check_map,
    check_same_device,
    runs_compiled,
    sum_type,
    type_name,
)

_CHANNELS = 8
"""Channels per GPU thread."""


def resample2d(image: Tensor, flow: Tensor) -> Tensor:
    """The image sampled bilinearly at p + flow(p); outside of it its border pixels are repeated.

    The warping of Ilg et al. (2017), section 3.2, like NVIDIA's Resample2d with a kernel size of 1: each of
    the four pixels around p + flow(p) is clamped to the frame separately. So the value is that of the
    nearest point of the frame, and flow that leaves the frame in x has no gradient in x; likewise in y.
    This is a layer of networks; to warp frames use ``vst.motion.warping``.

    Coordinates and sums are float32, or float64 for a float64 image. Infinite flow reads the border, NaN
    flow gives NaN. There is no second derivative.

    On a GPU the image's gradient is summed by atomic additions in no fixed order: its last bits may differ
    between runs. After ``torch.use_deterministic_algorithms(True)`` it is computed by PyTorch's operations,
    which is slower and deterministic. Everything else is deterministic.

    Args:
        image: B×C×H×W, any range.
        flow: B×2×H×W, pixels, x then y; of the image's type, or float32.

    Returns:
        B×C×H×W, of the image's type, contiguous. Differentiable in both.

    Raises:
        ValueError: Shapes, types or devices do not fit.
        VstError: The GPU's kernels cannot be compiled or launched.
    """
    check_map("resample2d", "image", image)
    check_map("resample2d", "flow", flow)
    batch, _, height, width = image.shape
    if flow.shape != (batch, 2, height, width):
        raise ValueError(
            f"resample2d of an image of shape {tuple(image.shape)} by a flow of shape {tuple(flow.shape)}; "
            "expected B×C×H×W and B×2×H×W"
        )
    if flow.dtype not in (image.dtype, torch.float32):
        raise ValueError(
            f"resample2d of a {type_name(image.dtype)} image by a {type_name(flow.dtype)} flow; "
            "expected flow of the image's type or float32"
        )
    check_same_device("resample2d", image, flow)
    # Converted here, so that autograd returns the flow's gradient in the flow's own type.
    out: Tensor = _Resample2d.apply(image, flow.to(sum_type(image.dtype)))
    return out


class _Resample2d(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, flow: Tensor) -> Tensor:
        ctx.save_for_backward(image, flow)
        if not runs_compiled(image):
            return _forward(image, flow)
        image, flow = image.contiguous(), flow.contiguous()
        out = torch.empty_like(image)
        _launch("resample2d_forward", image, image, flow, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        image, flow = ctx.saved_tensors
        of_image = of_flow = None
        if not runs_compiled(image):
            at = _corners(flow)
            if ctx.needs_input_grad[0]:
                of_image = _backward_image(grad, at)
            if ctx.needs_input_grad[1]:
                of_flow = _backward_flow(grad, image, at)
            return of_image, of_flow
        image, flow, grad = image.contiguous(), flow.contiguous(), grad.contiguous()
        if ctx.needs_input_grad[0]:
            if torch.are_deterministic_algorithms_enabled():
                of_image = _backward_image(grad, _corners(flow))
            else:
                sums = torch.zeros_like(image, dtype=flow.dtype)
                _launch("resample2d_backward_image", image, grad, flow, sums)
                of_image = sums.to(image.dtype)
        if ctx.needs_input_grad[1]:
            of_flow = torch.empty_like(flow)
            _launch("resample2d_backward_flow", image, grad, image, flow, of_flow, depth=len(image))
        return of_image, of_flow


def _launch(kernel: str, image: Tensor, *tensors: Tensor, depth: int | None = None) -> None:
    batch, channels, height, width = image.shape
    if depth is None:
        depth = batch * -(-channels // _CHANNELS)
    launch(kernel, image.dtype, (width, height, depth), *tensors, batch, channels, height, width)


class _Corners(NamedTuple):
    """The four pixels around p + flow(p).

    Attributes:
        top_left, top_right, bottom_left, bottom_right: B×1×(H·W), their indices in a plane.
        x, y: B×1×(H·W), distance of p + flow(p) from the left and upper pixels, 0..1.
    """

    top_left: Tensor
    top_right: Tensor
    bottom_left: Tensor
    bottom_right: Tensor
    x: Tensor
    y: Tensor


def _corners(flow: Tensor) -> _Corners:
    height, width = flow.shape[-2:]
    left, right, x = _between(flow[:, 0], width, torch.arange(width, device=flow.device))
    top, bottom, y = _between(flow[:, 1], height, torch.arange(height, device=flow.device)[:, None])
    rows = top * width, bottom * width
    a, b, c, d = ((row + column).flatten(1)[:, None] for row in rows for column in (left, right))
    return _Corners(a, b, c, d, x.flatten(1)[:, None], y.flatten(1)[:, None])


def _between(flow: Tensor, size: int, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The pixels on either side of a coordinate, and its distance from the first."""
    # A distant coordinate would overflow its integer; one just outside also reads the border twice.
    position = (flow + pixels).clamp(-1, size)
    whole = position.floor()
    low = whole.long()  # NaN becomes some integer, which is clamped to the frame
    return low.clamp(0, size - 1), low.clamp(-1, size - 2) + 1, position - whole


def _read(image: Tensor, index: Tensor, dtype: torch.dtype) -> Tensor:
    """B×C×(H·W): each channel's values at the indices."""
    return image.flatten(2).gather(2, index.expand(-1, image.shape[1], -1)).to(dtype)


def _forward(image: Tensor, flow: Tensor) -> Tensor:
    at, dtype = _corners(flow), flow.dtype
    above = torch.lerp(_read(image, at.top_left, dtype), _read(image, at.top_right, dtype), at.x)
    below = torch.lerp(_read(image, at.bottom_left, dtype), _read(image, at.bottom_right, dtype), at.x)
    return torch.lerp(above, below, at.y).to(image.dtype).view(image.shape)


def _backward_image(grad: Tensor, at: _Corners) -> Tensor:
    out = torch.zeros(grad.shape, dtype=at.x.dtype, device=grad.device).flatten(2)
    above, below = (1 - at.y) * grad.flatten(2), at.y * grad.flatten(2)
    for index, share in (
        (at.top_left, (1 - at.x) * above),
        (at.top_right, at.x * above),
        (at.bottom_left, (1 - at.x) * below),
        (at.bottom_right, at.x * below),
    ):
        out.scatter_add_(2, index.expand_as(share), share)
    return out.view(grad.shape).to(grad.dtype)


def _backward_flow(grad: Tensor, image: Tensor, at: _Corners) -> Tensor:
    dtype = at.x.dtype
    top_left, top_right = _read(image, at.top_left, dtype), _read(image, at.top_right, dtype)
    bottom_left, bottom_right = _read(image, at.bottom_left, dtype), _read(image, at.bottom_right, dtype)
    by_x = torch.lerp(top_right - top_left, bottom_right - bottom_left, at.y)
    by_y = torch.lerp(bottom_left - top_left, bottom_right - top_right, at.x)
    grads = grad.flatten(2)
    of_flow = torch.stack(((grads * by_x).sum(1), (grads * by_y).sum(1)), dim=1)
    return of_flow.unflatten(2, grad.shape[2:])
