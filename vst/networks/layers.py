"""The few layers that every feed-forward network here is made of (thesis, table 4.1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-5


class ConditionalInstanceNorm2d(nn.Module):
    """Instance norm with one scale and one shift per style (Dumoulin 2017, eq. 5).

    Every plane is brought to mean 0 and variance 1 over its H×W, then scaled and shifted by the
    mixture of the styles' parameters. Statistics are taken in fp32 whatever the input's type: over
    a 4K plane a bf16 sum has lost everything but its order of magnitude.

    Args:
        features: Number of channels C.
        styles: Number of styles S.
    """

    def __init__(self, features: int, styles: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(styles, features))
        self.bias = nn.Parameter(torch.zeros(styles, features))

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """Normalise.

        Args:
            x: B×C×H×W.
            mix: B×S or 1×S, how much of each style; a row sums to 1.

        Returns:
            B×C×H×W of x's type.
        """
        if x.shape[0] == 1:
            # A batch of one: batch norm is the same sum in one pass, and halves a network's time on a CPU.
            weight, bias = (mix @ self.weight)[0], (mix @ self.bias)[0]
            return F.batch_norm(x, None, None, weight, bias, training=True, eps=EPSILON)
        variance, mean = torch.var_mean(x.float(), dim=(2, 3), correction=0, keepdim=True)
        scale = (mix @ self.weight)[:, :, None, None] * torch.rsqrt(variance + EPSILON)
        shift = (mix @ self.bias)[:, :, None, None] - mean * scale
        return (x.float() * scale + shift).to(x.dtype)


class ReflectedConv2d(nn.Conv2d):
    """A convolution behind reflection padding, so that no border shows in the picture."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve B×inputs×H×W to B×outputs×⌈H/stride⌉×⌈W/stride⌉."""
        return super().forward(F.pad(x, (self.kernel_size[0] // 2,) * 4, mode="reflect"))


class ConvBlock(nn.Module):
    """Convolution, conditional instance norm, and ReLU unless `relu` is false."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, styles: int = 1, relu: bool = True
    ) -> None:
        super().__init__()
        self.conv = ReflectedConv2d(inputs, outputs, kernel, stride)
        self.norm = ConditionalInstanceNorm2d(outputs, styles)
        self.relu = relu

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """B×inputs×H×W and B×S to B×outputs×⌈H/stride⌉×⌈W/stride⌉."""
        x = self.norm(self.conv(x), mix)
        return F.relu(x) if self.relu else x


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions whose sum with the input goes on without a ReLU (thesis, figure 4.2)."""

    def __init__(self, features: int, styles: int = 1) -> None:
        super().__init__()
        self.first = ConvBlock(features, features, 3, styles=styles)
        self.second = ConvBlock(features, features, 3, styles=styles, relu=False)

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """B×C×H×W and B×S to B×C×H×W."""
        return x + self.second(self.first(x, mix), mix)


class UpsampleBlock(ConvBlock):
    """Nearest-neighbour ×2, then a `ConvBlock`: no chequerboard (Odena 2016)."""

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """B×inputs×H×W and B×S to B×outputs×2H×2W."""
        return super().forward(F.interpolate(x, scale_factor=2, mode="nearest"), mix)
