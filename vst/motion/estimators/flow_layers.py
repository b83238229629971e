"""Layers that all flow networks of this package share. They output flow and keep its precision.

Under autocast the features of a network may be fp16 or bf16; a flow of 100 pixels in bf16 would be exact to
half a pixel only. These layers therefore compute in the type of their own parameters. They are a small part
of the arithmetic.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DIV_FLOW = 20.0
"""FlowNet2 and PWC-Net are trained on flow divided by this."""

SLOPE = 0.1
"""Slope of every leaky ReLU in both."""


class FlowHead(nn.Conv2d):
    """3×3 convolution from features to flow, B×C×H×W -> B×2×H×W, or to more channels."""

    def __init__(self, inputs: int, outputs: int = 2) -> None:
        super().__init__(inputs, outputs, kernel_size=3, padding=1)

    def forward(self, input: Tensor) -> Tensor:
        """See the class."""
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.to(self.weight.dtype))


class FlowUpsampling(nn.ConvTranspose2d):
    """Learned upsampling of flow, B×2×H×W -> B×2×2H×2W.

    Args:
        channels: Number of channels; 2 for flow alone.
        bias: Whether it has a bias; published networks differ in this.
    """

    def __init__(self, channels: int = 2, *, bias: bool = True) -> None:
        super().__init__(channels, channels, kernel_size=4, stride=2, padding=1, bias=bias)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """See the class."""
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.to(self.weight.dtype), output_size)


def enlarge(flow: Tensor, mode: str = "bilinear") -> Tensor:
    """Upsample a network's finest flow, a quarter of the frame in each direction, to B×2×4H×4W.

    Values are not scaled: they are pixels of the frame already. Bilinear interpolation has pixel centres at
    halves, as in the Caffe models from which the published weights come.
    """
    if mode == "nearest":
        return F.interpolate(flow, scale_factor=4, mode=mode)
    return F.interpolate(flow, scale_factor=4, mode=mode, align_corners=False)
