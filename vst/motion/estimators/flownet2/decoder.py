"""The decoder that FlowNet-C, -S and -SD share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vst.motion.estimators.flow_layers import FlowHead, FlowUpsampling
from vst.motion.estimators.flownet2.flownet2_layers import convolution, smoothing, upconvolution


class FlowDecoder(nn.Module):
    """From features at five sizes to flow at the same five sizes.

    "Refinement" in Dosovitskiy et al. (2015), FlowNet, figure 3. Level n is 2ⁿ times
    smaller than the frame. The input of each level is the features of that size, and the upsampled
    features and flow of the level above. Subclasses add the layers before level 4.

    Args:
        width: Filters of the first layer; 64 in all published networks.
        smoothed: Whether each level has a convolution before its flow head (FlowNet-SD).
        upsampling_bias: Whether the upsampling of flow has a bias (all but FlowNet-S).
        predicted: Channels of each prediction; 2 for flow alone, as in all published networks.
    """

    def __init__(self, width: int, *, smoothed: bool, upsampling_bias: bool, predicted: int = 2) -> None:
        super().__init__()
        self.smoothed = smoothed
        self.conv4 = convolution(4 * width, 8 * width, stride=2)
        self.conv4_1 = convolution(8 * width, 8 * width)
        self.conv5 = convolution(8 * width, 8 * width, stride=2)
        self.conv5_1 = convolution(8 * width, 8 * width)
        self.conv6 = convolution(8 * width, 16 * width, stride=2)
        self.conv6_1 = convolution(16 * width, 16 * width)
        self.predict_flow6 = FlowHead(16 * width, predicted)
        features = {5: 8 * width, 4: 8 * width, 3: 4 * width, 2: 2 * width}
        upsampled = {5: 8 * width, 4: 4 * width, 3: 2 * width, 2: width}
        above = 16 * width
        for level in (5, 4, 3, 2):
            merged = features[level] + upsampled[level] + predicted
            self.add_module(f"deconv{level}", upconvolution(above, upsampled[level]))
            upsampling = FlowUpsampling(predicted, bias=upsampling_bias)
            self.add_module(f"upsampled_flow{level + 1}_to_{level}", upsampling)
            if smoothed:
                self.add_module(f"inter_conv{level}", smoothing(merged, upsampled[level]))
            head_inputs = upsampled[level] if smoothed else merged
            self.add_module(f"predict_flow{level}", FlowHead(head_inputs, predicted))
            above = merged

    def decode(self, level2: Tensor, level3: Tensor) -> tuple[Tensor, ...]:
        """Encode levels 4 to 6, and decode.

        Args:
            level2: Features B×2W×H/4×W/4, where W is the width.
            level3: Features B×4W×H/8×W/8.

        Returns:
            Predictions at levels 2 to 6, finest first, each B×predicted×h×w; those of a published network
            are flow in pixels of the frame / 20.
        """
        level4 = self.conv4_1(self.conv4(level3))
        level5 = self.conv5_1(self.conv5(level4))
        merged = self.conv6_1(self.conv6(level5))
        flows = [self.predict_flow6(merged)]
        for level, features in ((5, level5), (4, level4), (3, level3), (2, level2)):
            flow = self.get_submodule(f"upsampled_flow{level + 1}_to_{level}")(flows[0])
            upsampled = self.get_submodule(f"deconv{level}")(merged)
            merged = torch.cat((features, upsampled, flow.to(features.dtype)), dim=1)
            head_input = self.get_submodule(f"inter_conv{level}")(merged) if self.smoothed else merged
            flows.insert(0, self.get_submodule(f"predict_flow{level}")(head_input))
        return tuple(flows)
