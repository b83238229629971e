"""The norm over channels, which FlowNet 2.0 uses for the size of a flow and of a brightness error."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from vst.motion.kernels.launch import launch
from vst.motion.kernels.operands import check_map, runs_compiled, sum_type


def channelnorm(x: Tensor) -> Tensor:
    """The Euclidean norm over channels, out(p) = √(Σ_c x_c(p)²): the ChannelNorm of Ilg et al. (2017).

    The gradient is x / |x|, and 0 where x is 0. Sums are float32, or float64 for float64. Result and
    gradient are deterministic. There is no second derivative.

    Args:
        x: B×C×H×W; its squares must not overflow the type of sums.

    Returns:
        B×1×H×W, of x's type, contiguous.

    Raises:
        ValueError: The shape or type is not supported.
        VstError: The GPU's kernels cannot be compiled or launched.
    """
    check_map("channelnorm", "x", x)
    out: Tensor = _ChannelNorm.apply(x)
    return out


class _ChannelNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        if not runs_compiled(x):
            return _norm(x).to(x.dtype, memory_format=torch.contiguous_format)
        batch, channels, height, width = x.shape
        out = x.new_empty(batch, 1, height, width)
        sizes = (batch, channels, height, width)
        launch("channelnorm_forward", x.dtype, (width, height, batch), x.contiguous(), out, *sizes)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        if not runs_compiled(x):
            norm = _norm(x)
            return torch.where(norm == 0, 0, grad * (x / norm)).to(x.dtype)
        x = x.contiguous()
        batch, channels, height, width = x.shape
        out = torch.empty_like(x)
        sizes = (batch, channels, height, width)
        launch("channelnorm_backward", x.dtype, (width, height, batch), grad.contiguous(), x, out, *sizes)
        return out


def _norm(x: Tensor) -> Tensor:
    return x.to(sum_type(x.dtype)).square().sum(1, keepdim=True).sqrt()
