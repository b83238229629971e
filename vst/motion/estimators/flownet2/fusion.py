"""The last part of FlowNet2: the fusion of two flows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vst.motion.estimators.flow_layers import FlowHead, FlowUpsampling
from vst.motion.estimators.flownet2.flownet2_layers import convolution, smoothing, upconvolution


class FlowNetFusion(nn.Module):
    """Chooses between a flow for large displacements and one for small ones, at full resolution.

    Many attributes: one for each layer, with the names of the published weights.

    Args:
        width: Filters of the first layer; 64 in the published network (581,226 parameters).
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        half, quarter = width // 2, width // 4
        self.conv0 = convolution(11, width)
        self.conv1 = convolution(width, width, stride=2)
        self.conv1_1 = convolution(width, 2 * width)
        self.conv2 = convolution(2 * width, 2 * width, stride=2)
        self.conv2_1 = convolution(2 * width, 2 * width)
        self.deconv1 = upconvolution(2 * width, half)
        self.deconv0 = upconvolution(2 * width + half + 2, quarter)
        self.inter_conv1 = smoothing(2 * width + half + 2, half)
        self.inter_conv0 = smoothing(width + quarter + 2, quarter)
        self.predict_flow2 = FlowHead(2 * width)
        self.predict_flow1 = FlowHead(half)
        self.predict_flow0 = FlowHead(quarter)
        self.upsampled_flow2_to_1 = FlowUpsampling()
        self.upsampled_flow1_to_0 = FlowUpsampling()

    def forward(self, inputs: Tensor) -> Tensor:
        """Flow B×2×H×W in pixels from B×11×H×W: the first picture, both flows, their norms and errors."""
        level0 = self.conv0(inputs)
        level1 = self.conv1_1(self.conv1(level0))
        level2 = self.conv2_1(self.conv2(level1))
        flow = self.upsampled_flow2_to_1(self.predict_flow2(level2)).to(level1.dtype)
        merged = torch.cat((level1, self.deconv1(level2), flow), dim=1)
        flow = self.upsampled_flow1_to_0(self.predict_flow1(self.inter_conv1(merged))).to(level0.dtype)
        merged = torch.cat((level0, self.deconv0(merged), flow), dim=1)
        fused: Tensor = self.predict_flow0(self.inter_conv0(merged))
        return fused
