"""The stacks: each network corrects the one before it (Ilg et al. 2017, FlowNet 2.0, figure 2)."""

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
    """FlowNet-C, and a FlowNet-S that sees its flow and how well it explains the picture.

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
        return enlarge(self.flownets_1.levels(_evidence(first, second, flow))[0] * DIV_FLOW)


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
        levels = self.flownets_2.levels(_evidence(first, second, flow))
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
        # Divided, where every other flow is multiplied: the published fusion was trained on it so.
        small = enlarge(self.flownets_d.levels(first, second)[0] / DIV_FLOW, "nearest")
        evidence = (
            first,
            small,
            large,
            channelnorm(small),
            channelnorm(large),
            channelnorm(first - resample2d(second, small)),
            channelnorm(first - resample2d(second, large)),
        )
        fused: Tensor = self.flownetfusion(torch.cat(evidence, dim=1))
        return fused


def _evidence(first: Tensor, second: Tensor, flow: Tensor) -> Tensor:
    """What the next network of a stack sees, B×12×H×W: both pictures, the second brought to the first by
    the flow (pixels), the flow as networks have it, and the length of the difference that remains."""
    brought = resample2d(second, flow)
    return torch.cat((first, second, brought, flow / DIV_FLOW, channelnorm(first - brought)), dim=1)
