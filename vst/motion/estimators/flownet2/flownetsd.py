"""FlowNet-SD: small kernels, for small displacements."""

from __future__ import annotations

import torch
from torch import Tensor

from vst.motion.estimators.flow_layers import DIV_FLOW, enlarge
from vst.motion.estimators.flownet2.decoder import FlowDecoder
from vst.motion.estimators.flownet2.flownet2_layers import convolution


class FlowNetSD(FlowDecoder):
    """The network for small displacements: 3×3 kernels from full resolution on, smoothing before each head.

    Args:
        width: Filters of the first layer.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__(width, smoothed=True, upsampling_bias=True)
        self.conv0 = convolution(6, width)
        self.conv1 = convolution(width, width, stride=2)
        self.conv1_1 = convolution(width, 2 * width)
        self.conv2 = convolution(2 * width, 2 * width, stride=2)
        self.conv2_1 = convolution(2 * width, 2 * width)
        self.conv3 = convolution(2 * width, 4 * width, stride=2)
        self.conv3_1 = convolution(4 * width, 4 * width)

    def levels(self, first: Tensor, second: Tensor) -> tuple[Tensor, ...]:
        """Flow at five sizes; see ``FlowDecoder.decode``.

        Args:
            first: B×3×H×W, RGB, centred (see ``centred``); H and W multiples of 64.
            second: The same for the other frame.
        """
        level1 = self.conv1_1(self.conv1(self.conv0(torch.cat((first, second), dim=1))))
        level2 = self.conv2_1(self.conv2(level1))
        return self.decode(level2, self.conv3_1(self.conv3(level2)))


class FlowNet2SD(FlowNetSD):
    """FlowNet-SD on its own, 45,371,666 parameters at width 64."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Flow from first to second, B×2×H×W, pixels; the arguments as those of ``levels``."""
        return enlarge(self.levels(first, second)[0] * DIV_FLOW)
