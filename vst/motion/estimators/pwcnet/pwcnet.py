"""PWC-Net: a feature pyramid whose levels are warped by the flow of the level above, then correlated."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vst.motion.estimators.flow_layers import DIV_FLOW, SLOPE, FlowHead, FlowUpsampling, enlarge
from vst.motion.kernels import correlation, resample2d
from vst.motion.warping import inside

_DISPLACEMENT = 4
_CANDIDATES = (2 * _DISPLACEMENT + 1) ** 2
_LEVELS = (6, 5, 4, 3, 2)
_DILATIONS = (1, 2, 4, 8, 16, 1)


class PWCNet(nn.Module):
    """NVlabs' ``PWCDCNet``: dense connections and a context network (Sun, Yang, Liu, Kautz, CVPR 2018).

    Parameters have the names and shapes of its PyTorch code, 9,374,340 numbers with the default arguments;
    66 of them are ``deconv2``, which is in the published checkpoint and not used.

    Args:
        features: Channels of the pyramid, finest first; level n is 2ⁿ times smaller than the frame.
        dense: Channels that each layer of a level's dense block adds.
    """

    def __init__(
        self,
        features: Sequence[int] = (16, 32, 64, 96, 128, 196),
        dense: Sequence[int] = (128, 128, 96, 64, 32),
    ) -> None:
        super().__init__()
        before = 3
        for level, channels in enumerate(features, start=1):
            for name, stride in zip(_pyramid_names(level), (2, 1, 1), strict=True):
                self.add_module(name, _convolution(before, channels, stride=stride))
                before = channels
        for level in _LEVELS:
            extra = 0 if level == 6 else features[level - 1] + 4
            channels = _CANDIDATES + extra
            for step, added in enumerate(dense):
                self.add_module(f"conv{level}_{step}", _convolution(channels, added))
                channels += added
            self.add_module(f"predict_flow{level}", FlowHead(channels))
            self.add_module(f"deconv{level}", FlowUpsampling())
            if level > 2:
                self.add_module(f"upfeat{level}", nn.ConvTranspose2d(channels, 2, 4, stride=2, padding=1))
        for number, (outputs, dilation) in enumerate(
            zip((dense[0], *dense), _DILATIONS, strict=True), start=1
        ):
            self.add_module(f"dc_conv{number}", _convolution(channels, outputs, dilation=dilation))
            channels = outputs
        self.dc_conv7 = FlowHead(channels)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Flow from first to second, B×2×H×W, pixels.

        Args:
            first: B×3×H×W, RGB, 0..1; H and W multiples of 64.
            second: The same for the other frame.
        """
        return enlarge(self.levels(first, second)[0] * DIV_FLOW)

    def levels(self, first: Tensor, second: Tensor) -> tuple[Tensor, ...]:
        """Flow at levels 2 to 6, finest first, in pixels of the frame / 20; arguments as of ``forward``."""
        # The published weights were trained on BGR, the order of Caffe.
        features, others = self._pyramid(first.flip(1)), self._pyramid(second.flip(1))
        flows: list[Tensor] = []
        merged = features[6]
        for level in _LEVELS:
            if not flows:
                merged = self._costs(features[level], others[level])
            else:
                flow = self._apply_layer(f"deconv{level + 1}", flows[0])
                detail = self._apply_layer(f"upfeat{level + 1}", merged)
                warped = _warp_features(others[level], flow * (DIV_FLOW / 2**level))
                costs = self._costs(features[level], warped)
                merged = torch.cat((costs, features[level], flow.to(costs.dtype), detail), dim=1)
            for step in range(5):
                merged = torch.cat((self._apply_layer(f"conv{level}_{step}", merged), merged), dim=1)
            flows.insert(0, self._apply_layer(f"predict_flow{level}", merged))
        context = merged
        for number in range(1, 7):
            context = self._apply_layer(f"dc_conv{number}", context)
        flows[0] = flows[0] + self.dc_conv7(context)
        return tuple(flows)

    def _apply_layer(self, name: str, features: Tensor) -> Tensor:
        out: Tensor = self.get_submodule(name)(features)
        return out

    def _pyramid(self, image: Tensor) -> dict[int, Tensor]:
        """Features by level, 1 to 6."""
        levels = {}
        for level in range(1, 7):
            for name in _pyramid_names(level):
                image = self._apply_layer(name, image)
            levels[level] = image
        return levels

    @staticmethod
    def _costs(features: Tensor, others: Tensor) -> Tensor:
        return F.leaky_relu(correlation(features, others, max_displacement=_DISPLACEMENT), SLOPE)


def _pyramid_names(level: int) -> tuple[str, str, str]:
    """The layers in the order of application; the published code swaps the first two of the last level."""
    middle = (f"conv{level}a", f"conv{level}aa") if level < 6 else ("conv6aa", "conv6a")
    return *middle, f"conv{level}b"


def _convolution(inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation), nn.LeakyReLU(SLOPE)
    )


def _warp_features(features: Tensor, flow: Tensor) -> Tensor:
    """Features at p + flow(p), 0 if that is outside; flow is fp32, whatever the type of the features."""
    return resample2d(features, flow) * inside(flow)
