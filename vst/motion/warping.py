"""Backward warping: sample an earlier picture at the positions that a flow points to."""

from __future__ import annotations

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

Interpolation = Literal["bicubic", "bilinear", "nearest"]


def warp(image: Tensor, flow: Tensor, mode: Interpolation = "bicubic") -> Tensor:
    """Backward warp, out(p) = image(p + flow(p)).

    Pixel centres are integer coordinates: zero flow returns the image, and integer flow is a pure shift, up
    to the rounding of float32 coordinates (an error of about 1e-7 of the width, in pixels). Outside of the
    frame the border pixel is repeated (see ``inside``). NaN flow reads pixel p itself.

    Bicubic is plain cubic convolution (a = −0.75, as in PyTorch and OpenCV): sharp for a single warp, and
    it overshoots beside hard edges by up to some tenths of the step. The result is not clamped: a network's
    output has no hard range, and a clamp has no gradient.

    Args:
        image: B×C×H×W or C×H×W, any floating type and range.
        flow: B×2×H×W or 2×H×W, pixels, x then y. Of the image's size and batch, or one flow for the whole
            batch.
        mode: Interpolation, as of ``torch.nn.functional.grid_sample``: ``"bicubic"`` for pictures,
            ``"bilinear"`` for smooth fields, ``"nearest"`` where values of two objects must not mix.

    Returns:
        The warped image with the image's shape and type. Differentiable in both arguments. The arithmetic
        is float32, or float64 for a float64 image.

    Raises:
        ValueError: The shapes do not fit, or the mode is unknown.
    """
    if mode not in get_args(Interpolation):
        raise ValueError(f"warp mode is {mode!r}; expected one of {', '.join(get_args(Interpolation))}")
    _check_flow(flow)
    if image.dim() not in (3, 4) or image.shape[-2:] != flow.shape[-2:]:
        raise ValueError(
            f"cannot warp an image of shape {tuple(image.shape)} by a flow of shape {tuple(flow.shape)}; "
            "expected (B×)C×H×W and (B×)2×H×W of one size"
        )
    batch = image if image.dim() == 4 else image[None]
    flows = flow if flow.dim() == 4 else flow[None]
    if len(flows) not in (1, len(batch)):
        raise ValueError(
            f"cannot warp {len(batch)} images by {len(flows)} flows; expected one flow, or one per image"
        )

    dtype = torch.float64 if image.dtype == torch.float64 else torch.float32
    height, width = flow.shape[-2:]
    positions = _positions(flows.to(dtype))
    # Clamped here and not only by grid_sample: a distant coordinate would overflow its integer, and a
    # bicubic kernel just outside of the border would overshoot instead of repeating it.
    x = positions[:, 0].clamp(0, width - 1)
    y = positions[:, 1].clamp(0, height - 1)
    grid = torch.stack((x * (2 / max(width - 1, 1)) - 1, y * (2 / max(height - 1, 1)) - 1), dim=-1)
    grid = grid.expand(len(batch), -1, -1, -1)
    out = F.grid_sample(batch.to(dtype), grid, mode=mode, padding_mode="border", align_corners=True)
    out = out.to(image.dtype)
    return out if image.dim() == 4 else out[0]


def inside(flow: Tensor) -> Tensor:
    """Whether p + flow(p) lies in the frame.

    Args:
        flow: 2×H×W or B×2×H×W, pixels, x then y.

    Returns:
        Boolean tensor 1×H×W or B×1×H×W; false where the flow is NaN.

    Raises:
        ValueError: The shape is not that of a flow.
    """
    _check_flow(flow)
    height, width = flow.shape[-2:]
    x, y = (flow + _grid(flow)).unbind(-3)
    # Flow that was estimated as 0 ± rounding stays inside.
    tolerance = 5e-4
    across = (x >= -tolerance) & (x <= width - 1 + tolerance)
    down = (y >= -tolerance) & (y <= height - 1 + tolerance)
    return (across & down).unsqueeze(-3)


def _check_flow(flow: Tensor) -> None:
    if flow.dim() not in (3, 4) or flow.shape[-3] != 2:
        raise ValueError(f"flow has shape {tuple(flow.shape)}; expected 2×H×W or B×2×H×W")


def _grid(flow: Tensor) -> Tensor:
    """The coordinates of all pixels, 2×H×W, x then y."""
    height, width = flow.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=flow.device, dtype=flow.dtype),
        torch.arange(width, device=flow.device, dtype=flow.dtype),
        indexing="ij",
    )
    return torch.stack((x, y))


def _positions(flow: Tensor) -> Tensor:
    """p + flow(p) for every pixel p, B×2×H×W; p where the flow is NaN."""
    return torch.nan_to_num(flow, nan=0.0) + _grid(flow)
