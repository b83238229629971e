"""FlowNet-S: one stream of convolutions over all inputs."""

from __future__ import annotations

import torch
from torch import Tensor

from vst.motion.estimators.flow_layers import DIV_FLOW, enlarge
from vst.motion.estimators.flownet2.decoder import FlowDecoder
from vst.motion.estimators.flownet2.flownet2_layers import convolution


class FlowNetS(FlowDecoder):
    """The simple network.

    Args:
        channels: Of the input: 6 for two pictures, 12 in a stack (see ``stacked.py``).
        width: Filters of the first layer.
        predicted: Channels of each prediction; 2 for flow alone.
    """

    def __init__(self, channels: int = 12, width: int = 64, predicted: int = 2) -> None:
        super().__init__(width, smoothed=False, upsampling_bias=False, predicted=predicted)
        self.conv1 = convolution(channels, width, kernel=7, stride=2)
        self.conv2 = convolution(width, 2 * width, kernel=5, stride=2)
        self.conv3 = convolution(2 * width, 4 * width, kernel=5, stride=2)
        self.conv3_1 = convolution(4 * width, 4 * width)

    def levels(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Flow at five sizes, see ``FlowDecoder.decode``, from B×channels×H×W, H and W multiples of 64."""
        level2 = self.conv2(self.conv1(inputs))
        return self.decode(level2, self.conv3_1(self.conv3(level2)))


class FlowNet2S(FlowNetS):
    """FlowNet-S on its own, 38,676,506 parameters at width 64.

    A comment in the published code says two fewer.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__(6, width)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Flow from first to second, B×2×H×W, pixels.

        Args:
            first: B×3×H×W, RGB, centred (see ``centred``); H and W multiples of 64.
            second: The same for the other frame.
        """
        return enlarge(self.levels(torch.cat((first, second), dim=1))[0] * DIV_FLOW)
