"""Stacked networks: each corrects the flow of the previous one (Ilg et al. 2017, FlowNet 2.0, figure 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vst.motion.estimators.flow_layers import DIV_FLOW, enlarge
from vst.motion.estimators.flownet2.flownetc import FlowNetC
from vst.motion.estimators.flownet2.flownets import FlowNetS
from vst.motion.estimators.flownet2.flownetsd import FlowNetSD
from vst.motion.estimators.flownet2.fusion import FlowNetFusion
from vst.motion.kernels import channelnorm, resample2d


class FlowNet2CS(nn.Module):
    """FlowNet-C, and a FlowNet-S whose input includes the flow of the first and its error.

    Args:
        width: Filters of each network's first layer; 64 in all published ones.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.flownetc = FlowNetC(width)
        self.flownets_1 = FlowNetS(12, width)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Flow from first to second, B×2×H×W, pixels.

        Args:
            first: B×3×H×W, RGB, centred (see ``centred``); H and W multiples of 64.
            second: The same for the other frame.
        """
        flow = enlarge(self.flownetc.levels(first, second)[0] * DIV_FLOW)
        return enlarge(self.flownets_1.levels(_stack_input(first, second, flow))[0] * DIV_FLOW)


class FlowNet2CSS(FlowNet2CS):
    """FlowNet2-CS and a second FlowNet-S, whose flow is enlarged by repetition. ``-css-ft-sd`` is this too.

    Args:
        width: As of FlowNet2-CS.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__(width)
        self.flownets_2 = FlowNetS(12, width)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """As FlowNet2-CS."""
        flow = super().forward(first, second)
        levels = self.flownets_2.levels(_stack_input(first, second, flow))
        return enlarge(levels[0] * DIV_FLOW, "nearest")


class FlowNet2(FlowNet2CSS):
    """FlowNet2-CSS and FlowNet-SD side by side, fused; 162,518,834 parameters at width 64.

    Args:
        width: As of FlowNet2-CS.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__(width)
        self.flownets_d = FlowNetSD(width)
        self.flownetfusion = FlowNetFusion(width)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """As FlowNet2-CS."""
        large = super().forward(first, second)
        # Divided, where every other flow is multiplied: the published fusion was trained this way.
        small = enlarge(self.flownets_d.levels(first, second)[0] / DIV_FLOW, "nearest")
        inputs = (
            first,
            small,
            large,
            channelnorm(small),
            channelnorm(large),
            channelnorm(first - resample2d(second, small)),
            channelnorm(first - resample2d(second, large)),
        )
        fused: Tensor = self.flownetfusion(torch.cat(inputs, dim=1))
        return fused


def _stack_input(first: Tensor, second: Tensor, flow: Tensor) -> Tensor:
    """The input of the next network of a stack, B×12×H×W.

    It consists of both pictures, the second one warped by the flow (in pixels), the flow in units of the
    networks, and the norm of the remaining difference.
    """
    warped = resample2d(second, flow)
    return torch.cat((first, second, warped, flow / DIV_FLOW, channelnorm(first - warped)), dim=1)
