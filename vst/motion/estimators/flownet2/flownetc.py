"""FlowNet-C: a correlation of two feature maps."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.motion.estimators.flow_layers import DIV_FLOW, SLOPE, enlarge
from vst.motion.estimators.flownet2.decoder import FlowDecoder
from vst.motion.estimators.flownet2.flownet2_layers import convolution
from vst.motion.kernels import correlation

_DISPLACEMENT = 20
_STRIDE = 2
_CANDIDATES = (2 * (_DISPLACEMENT // _STRIDE) + 1) ** 2


class FlowNetC(FlowDecoder):
    """The correlation network, 39,175,298 parameters at width 64.

    Args:
        width: Filters of the first layer.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__(width, smoothed=False, upsampling_bias=True)
        self.conv1 = convolution(3, width, kernel=7, stride=2)
        self.conv2 = convolution(width, 2 * width, kernel=5, stride=2)
        self.conv3 = convolution(2 * width, 4 * width, kernel=5, stride=2)
        self.conv_redir = convolution(4 * width, width // 2, kernel=1)
        self.conv3_1 = convolution(width // 2 + _CANDIDATES, 4 * width)

    def levels(self, first: Tensor, second: Tensor) -> tuple[Tensor, ...]:
        """Flow at five sizes; see ``FlowDecoder.decode``.

        Args:
            first: B×3×H×W, RGB, centred (see ``centred``); H and W multiples of 64.
            second: The same for the other frame.
        """
        level2, level3 = self._encode(first)
        _, other = self._encode(second)
        costs = correlation(level3, other, max_displacement=_DISPLACEMENT, stride=_STRIDE)
        costs = F.leaky_relu(costs, SLOPE)
        merged = self.conv3_1(torch.cat((self.conv_redir(level3), costs), dim=1))
        return self.decode(level2, merged)

    def _encode(self, image: Tensor) -> tuple[Tensor, Tensor]:
        level2 = self.conv2(self.conv1(image))
        return level2, self.conv3(level2)


class FlowNet2C(FlowNetC):
    """FlowNet-C on its own."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Flow from first to second, B×2×H×W, pixels; the arguments as those of ``levels``."""
        return enlarge(self.levels(first, second)[0] * DIV_FLOW)
