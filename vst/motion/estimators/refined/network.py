"""The network that mends flow."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vst.motion.estimators.flow_layers import SLOPE, FlowHead, FlowUpsampling
from vst.motion.estimators.flownet2.flownets import FlowNetS
from vst.motion.kernels import channelnorm
from vst.motion.warping import warp

GRID = 64
"""Sides of what the network sees are multiples of this."""

_EVIDENCE = 15
_STEP = 4.0
"""Pixels that a prediction of 1 stands for. Errors are smaller than the flow itself, whose unit is 20."""


class Stages(NamedTuple):
    """Flow that is known already, each B×2×H×W, pixels, x then y."""

    exact: Tensor
    """From the first picture to the second: right where motion is small."""
    bold: Tensor
    """The same by an estimator that finds large motion more often, and is less exact."""
    back: Tensor
    """From the second picture to the first, on the second's grid."""


class Refinement(nn.Module):
    """A reduced FlowNet-S as the second network of a FlowNet 2.0 stack (Ilg et al. 2017, section 3.2).

    The first network of the stack is `dis`. As there, this one sees the first picture, how the second
    differs from it once brought there by the flow so far, the length of that difference, and that flow. It
    sees besides what FlowNet 2.0's fusion does, a second flow with its error, and how far forward and
    backward flow disagree, which is what tells occlusion. It predicts what to add to the flow, and how far
    to go over to the second flow. Both are zero before training: it starts at `dis`.

    Lengths come in as asinh, so that a tenth of a pixel is not lost beside fifty.

    Args:
        width: Filters of the first layer; 64 in FlowNet-S.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.flownets = FlowNetS(_EVIDENCE, width, predicted=3)
        self.flownets.apply(_begin)

    def levels(self, seen: Tensor) -> tuple[Tensor, ...]:
        """What it predicts at five sizes, 4 to 64 times smaller, finest first, each B×3×h×w.

        Args:
            seen: What ``evidence`` gives, B×15×H×W; H and W multiples of 64.
        """
        levels: tuple[Tensor, ...] = self.flownets.levels(seen)
        return levels

    def forward(self, seen: Tensor, known: Tensor) -> Tensor:
        """Flow from first to second, B×2×H×W, pixels.

        Args:
            seen: As of ``levels``.
            known: B×4×H×W, the exact flow and the bold one.
        """
        return mended(self.levels(seen)[0], known[:, :2], known[:, 2:])


@torch.no_grad()
def _begin(module: nn.Module) -> None:
    """Weights that neither fade nor swell what goes through ten layers (He et al. 2015); heads at zero."""
    if isinstance(module, FlowHead):
        nn.init.zeros_(module.weight)
    elif isinstance(module, nn.ConvTranspose2d) and not isinstance(module, FlowUpsampling):
        # Of its 4×4 weights a pixel of the output meets 2×2.
        nn.init.normal_(module.weight, std=(2 / ((1 + SLOPE**2) * 4 * module.in_channels)) ** 0.5)
    elif isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, a=SLOPE)
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.bias is not None:
        nn.init.zeros_(module.bias)


@torch.no_grad()
def evidence(first: Tensor, second: Tensor, stages: Stages) -> Tensor:
    """What the network sees, B×15×H×W, in float32.

    Args:
        first: B×3×H×W, RGB, 0..1, of any size.
        second: The same for the other frame.
        stages: What is known.
    """
    flow, bold, back = stages
    mean = first.mean((-3, -2, -1), keepdim=True)
    brought = warp(torch.cat((second, back), dim=1), flow, "bilinear")
    change = brought[:, :3] - first
    disagreement = flow + brought[:, 3:]
    return torch.cat(
        (
            first - mean,
            change,
            channelnorm(change),
            channelnorm(warp(second, bold, "bilinear") - first),
            _asinh(flow) / 4,
            _asinh(bold - flow) / 2,
            _asinh(disagreement) / 2,
            _outside(flow),
        ),
        dim=1,
    )


def mended(prediction: Tensor, exact: Tensor, bold: Tensor) -> Tensor:
    """The flow that a prediction makes of the known ones.

    Args:
        prediction: B×3×h×w; a smaller one is enlarged.
        exact: B×2×H×W, pixels.
        bold: The same.

    Returns:
        B×2×H×W, pixels.
    """
    if prediction.shape[-2:] != exact.shape[-2:]:
        prediction = F.interpolate(prediction, exact.shape[-2:], mode="bilinear", align_corners=False)
    return exact + _STEP * prediction[:, :2] + prediction[:, 2:] * (bold - exact)


def _outside(flow: Tensor) -> Tensor:
    """How far p + flow(p) lies outside of the frame, B×1×H×W, as asinh of pixels."""
    height, width = flow.shape[-2:]
    x = flow[:, :1] + torch.arange(width, device=flow.device, dtype=flow.dtype)
    y = flow[:, 1:] + torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None]
    beyond = (x - (width - 1)).clamp(min=0) + (-x).clamp(min=0)
    return _asinh(beyond + (y - (height - 1)).clamp(min=0) + (-y).clamp(min=0)) / 2


def _asinh(x: Tensor) -> Tensor:
    """asinh, of operations that a CPU does eight or sixteen at a time; PyTorch does its own one by one."""
    length, square = x.abs(), x.square()
    return x.sign() * torch.log1p(length + square / (1 + (square + 1).sqrt()))
