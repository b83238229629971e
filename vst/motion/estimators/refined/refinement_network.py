"""The network that refines flow."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vst.motion.estimators.flow_layers import SLOPE, FlowHead, FlowUpsampling
from vst.motion.estimators.flownet2.flownets import FlowNetS
from vst.motion.kernels import channelnorm
from vst.motion.warping import warp

SIZE_MULTIPLE = 64
"""Sides of the network's input are multiples of this."""

_INPUT_CHANNELS = 15
_UNIT = 4.0
"""Pixels per unit of the prediction. Errors are smaller than the flow itself, whose unit is 20."""


class InitialFlows(NamedTuple):
    """The flow that is refined, each B×2×H×W, pixels, x then y."""

    accurate: Tensor
    """From the first picture to the second; right where motion is small."""
    coarse: Tensor
    """The same from an estimator that finds large motion more often, and is less accurate."""
    backward: Tensor
    """From the second picture to the first, on the second's grid."""


class RefinementNetwork(nn.Module):
    """A reduced FlowNet-S as the second network of a FlowNet 2.0 stack (Ilg et al. 2017, section 3.2).

    The first network of the stack is `dis`. As there, the input is the first picture, its difference to the
    second one warped by the flow, the norm of that difference, and the flow. There is also a second flow
    with its error, as in the input of FlowNet 2.0's fusion, and the disagreement of forward and backward
    flow, which indicates occlusion. The output is a correction of the flow, and the weight of the second
    flow. Both are
    zero before training: the network starts at `dis`.

    Lengths are given as asinh, so that a tenth of a pixel is not lost beside fifty.

    Args:
        width: Filters of the first layer; 64 in FlowNet-S.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.flownets = FlowNetS(_INPUT_CHANNELS, width, predicted=3)
        self.flownets.apply(_initialize)

    def levels(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """The predictions at five sizes, 4 to 64 times smaller, finest first, each B×3×h×w.

        Args:
            inputs: What ``network_input`` returns, B×15×H×W; H and W multiples of 64.
        """
        levels: tuple[Tensor, ...] = self.flownets.levels(inputs)
        return levels

    def forward(self, inputs: Tensor, flows: Tensor) -> Tensor:
        """Flow from first to second, B×2×H×W, pixels.

        Args:
            inputs: As of ``levels``.
            flows: B×4×H×W, the accurate flow and the coarse one.
        """
        return apply_correction(self.levels(inputs)[0], flows[:, :2], flows[:, 2:])


@torch.no_grad()
def _initialize(module: nn.Module) -> None:
    """Initialize weights so that ten layers keep the variance (He et al. 2015); heads are zero."""
    if isinstance(module, FlowHead):
        nn.init.zeros_(module.weight)
    elif isinstance(module, nn.ConvTranspose2d) and not isinstance(module, FlowUpsampling):
        # Each output pixel depends on 2×2 of the 4×4 weights.
        nn.init.normal_(module.weight, std=(2 / ((1 + SLOPE**2) * 4 * module.in_channels)) ** 0.5)
    elif isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, a=SLOPE)
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.bias is not None:
        nn.init.zeros_(module.bias)


@torch.no_grad()
def network_input(first: Tensor, second: Tensor, initial: InitialFlows) -> Tensor:
    """The input of the network, B×15×H×W, in float32.

    Args:
        first: B×3×H×W, RGB, 0..1, of any size.
        second: The same for the other frame.
        initial: The flow to refine.
    """
    flow, coarse, backward = initial
    mean = first.mean((-3, -2, -1), keepdim=True)
    warped = warp(torch.cat((second, backward), dim=1), flow, "bilinear")
    difference = warped[:, :3] - first
    disagreement = flow + warped[:, 3:]
    return torch.cat(
        (
            first - mean,
            difference,
            channelnorm(difference),
            channelnorm(warp(second, coarse, "bilinear") - first),
            _asinh(flow) / 4,
            _asinh(coarse - flow) / 2,
            _asinh(disagreement) / 2,
            _distance_outside(flow),
        ),
        dim=1,
    )


def apply_correction(prediction: Tensor, accurate: Tensor, coarse: Tensor) -> Tensor:
    """The refined flow.

    Args:
        prediction: B×3×h×w: a correction (x, y), and the weight of the coarse flow; enlarged if smaller
            than the flow.
        accurate: B×2×H×W, pixels.
        coarse: The same.

    Returns:
        B×2×H×W, pixels.
    """
    if prediction.shape[-2:] != accurate.shape[-2:]:
        prediction = F.interpolate(prediction, accurate.shape[-2:], mode="bilinear", align_corners=False)
    return accurate + _UNIT * prediction[:, :2] + prediction[:, 2:] * (coarse - accurate)


def _distance_outside(flow: Tensor) -> Tensor:
    """How far p + flow(p) is outside of the frame, B×1×H×W, as asinh of pixels."""
    height, width = flow.shape[-2:]
    x = flow[:, :1] + torch.arange(width, device=flow.device, dtype=flow.dtype)
    y = flow[:, 1:] + torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None]
    beyond = (x - (width - 1)).clamp(min=0) + (-x).clamp(min=0)
    return _asinh(beyond + (y - (height - 1)).clamp(min=0) + (-y).clamp(min=0)) / 2


def _asinh(x: Tensor) -> Tensor:
    """asinh composed of operations that PyTorch vectorizes on a CPU, unlike torch.asinh."""
    length, square = x.abs(), x.square()
    return x.sign() * torch.log1p(length + square / (1 + (square + 1).sqrt()))
