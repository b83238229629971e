"""Building blocks of the FlowNet2 family, nested so that parameters have their published names."""

from __future__ import annotations

from torch import nn

from vst.motion.estimators.flow_layers import SLOPE


def convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution with bias and leaky ReLU; stride 1 keeps the size."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=(kernel - 1) // 2),
        nn.LeakyReLU(SLOPE, inplace=True),
    )


def smoothing(inputs: int, outputs: int) -> nn.Sequential:
    """3×3 convolution without activation, before a flow head."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1))


def upconvolution(inputs: int, outputs: int) -> nn.Sequential:
    """Transposed convolution to twice the size, and leaky ReLU."""
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1),
        nn.LeakyReLU(SLOPE, inplace=True),
    )
