"""The few layers that every feed-forward network here is made of (thesis, table 4.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-5


class ConditionalNorm2d(nn.Module):
    """What conditional norms have in common: one scale and one shift per style (Dumoulin 2017, eq. 5).

    Called with x, B×C×H×W, and mix, B×S or 1×S in fp32, how much of each style (a row sums to 1), they
    give B×C×H×W of x's type.

    Args:
        features: Number of channels C.
        styles: Number of styles S.
    """

    def __init__(self, features: int, styles: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(styles, features))
        self.bias = nn.Parameter(torch.zeros(styles, features))

    def apply_affine(self, x: Tensor, mean: Tensor, variance: Tensor, mix: Tensor) -> Tensor:
        """Bring x to mean 0 and variance 1 by statistics that broadcast to it, then to its style."""
        scale = (mix @ self.weight)[:, :, None, None] * torch.rsqrt(variance + EPSILON)
        shift = (mix @ self.bias)[:, :, None, None] - mean * scale
        return (x.float() * scale + shift).to(x.dtype)

    def statistics(self, gather: Callable[[], tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """Mean and variance for `apply_affine` of a picture that is seen in parts (`vst.nn.tiled`).

        Args:
            gather: Goes through the whole picture and gives its mean and variance, B×C×1×1 each.
        """
        return gather()


class ConditionalInstanceNorm2d(ConditionalNorm2d):
    """Every plane is brought to mean 0 and variance 1 over its own H×W (Ulyanov 2017).

    Statistics are taken in fp32 whatever the input's type: over a 4K plane a bf16 sum has lost
    everything but its order of magnitude.
    """

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """B×C×H×W and B×S to B×C×H×W."""
        if x.shape[0] == 1:
            # A batch of one: batch norm is the same sum in one pass, and halves a network's time on a CPU.
            weight, bias = (mix @ self.weight)[0], (mix @ self.bias)[0]
            return F.batch_norm(x, None, None, weight, bias, training=True, eps=EPSILON)
        variance, mean = torch.var_mean(x.float(), dim=(2, 3), correction=0, keepdim=True)
        return self.apply_affine(x, mean, variance, mix)


class ConditionalBatchNorm2d(ConditionalNorm2d):
    """Channels are brought to mean 0 and variance 1 over a batch (Ioffe & Szegedy 2015; Johnson 2016).

    Kept to show what instance norm gains (thesis, section 6.2). While training, statistics are the
    batch's, and their running mean is what is used afterwards.
    """

    MOMENTUM = 0.1

    mean: Tensor
    variance: Tensor

    def __init__(self, features: int, styles: int = 1) -> None:
        super().__init__(features, styles)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("variance", torch.ones(features))

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """B×C×H×W and B×S to B×C×H×W."""
        mean, variance = self.mean, self.variance
        if self.training:
            variance, mean = torch.var_mean(x.float(), dim=(0, 2, 3), correction=0)
            with torch.no_grad():
                self.mean.lerp_(mean, self.MOMENTUM)
                self.variance.lerp_(variance, self.MOMENTUM)
        return self.apply_affine(x, mean[:, None, None], variance[:, None, None], mix)

    def statistics(self, gather: Callable[[], tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """The running ones, whatever the picture."""
        return self.mean[:, None, None], self.variance[:, None, None]


class ReflectedConv2d(nn.Conv2d):
    """A convolution behind reflection padding, so that no border shows in the picture."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve B×inputs×H×W to B×outputs×⌈H/stride⌉×⌈W/stride⌉."""
        return super().forward(_reflected(x, self.kernel_size[0] // 2))


def _reflected(x: Tensor, border: int) -> Tensor:
    """B×C×H×W with a reflected border, in x's type."""
    if torch.is_autocast_enabled(x.device.type):
        # On a CPU autocast pads in fp32: a copy to it and one back, a seventh of a training step.
        with torch.autocast(x.device.type, enabled=False):
            return F.pad(x, (border,) * 4, mode="reflect")
    return F.pad(x, (border,) * 4, mode="reflect")


Norm = Callable[[int, int], ConditionalNorm2d]
"""Makes a norm from its number of channels and of styles."""


class ConvBlock(nn.Module):
    """Convolution, conditional norm, and ReLU unless `relu` is false."""

    doubles: ClassVar[bool] = False
    """Whether the output has twice the size of the input."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        styles: int = 1,
        relu: bool = True,
        norm: Norm = ConditionalInstanceNorm2d,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs, self.kernel, self.stride = inputs, outputs, kernel, stride
        self.conv: nn.Module = self.convolution(inputs, outputs, kernel, stride)
        self.norm = norm(outputs, styles)
        self.relu = relu

    def convolution(self, inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
        """The block's convolution."""
        return ReflectedConv2d(inputs, outputs, kernel, stride)

    def project(self, x: Tensor) -> Tensor:
        """What comes before the norm: B×inputs×H×W to B×outputs×⌈H/stride⌉×⌈W/stride⌉."""
        projected: Tensor = self.conv(x)
        return projected

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """B×inputs×H×W and B×S to what `project` gives, normed."""
        x = self.norm(self.project(x), mix)
        return F.relu(x) if self.relu else x


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions that are added to the input, without a ReLU (thesis, figure 4.2)."""

    def __init__(self, features: int, styles: int = 1, norm: Norm = ConditionalInstanceNorm2d) -> None:
        super().__init__()
        self.first = ConvBlock(features, features, 3, styles=styles, norm=norm)
        self.second = ConvBlock(features, features, 3, styles=styles, relu=False, norm=norm)

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """B×C×H×W and B×S to B×C×H×W."""
        return x + self.second(self.first(x, mix), mix)


class UpsampleBlock(ConvBlock):
    """Nearest-neighbour ×2, then a `ConvBlock`: no chequerboard (Odena 2016)."""

    doubles = True

    def project(self, x: Tensor) -> Tensor:
        """B×inputs×H×W to B×outputs×2H×2W."""
        return super().project(F.interpolate(x, scale_factor=2, mode="nearest"))


class EnlargingConv2d(nn.Conv2d):
    """Nearest-neighbour ×2 and a 5×5 convolution, computed at the size before.

    Over an enlarged map a 5×5 kernel reads 3×3 different pixels, and which ones depends only on the place
    in a 2×2 cell. So four 3×3 kernels, each a sum of the taps that meet the same pixel, give the same
    numbers in the shapes that processors are fast at, and depth-to-space puts them in place. What is even
    stays even, as after any convolution of an enlarged map (Odena 2016): four kernels that were free to
    differ would leave a pattern of two pixels. Up to the border: there the small map is reflected.
    """

    doubles = True
    fold: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 5)
        fold = torch.zeros(2, 3, 5)
        for place in range(2):
            for tap in range(5):
                fold[place, (place + tap - 2) // 2 + 1, tap] = 1
        self.register_buffer("fold", fold, persistent=False)

    def folded(self) -> Tensor:
        """The four 3×3 kernels of each output, 4·outputs×inputs×3×3, in the weight's type."""
        outputs, inputs = self.weight.shape[:2]
        with torch.autocast(self.weight.device.type, enabled=False):
            rows = torch.tensordot(self.weight.float(), self.fold.float(), ([2], [2]))
            both = torch.tensordot(rows, self.fold.float(), ([2], [2]))  # O, I, place, tap, place, tap
        kernels = both.permute(0, 2, 4, 1, 3, 5).reshape(4 * outputs, inputs, 3, 3)
        return kernels.to(self.weight.dtype).contiguous(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """B×inputs×H×W to B×outputs×2H×2W."""
        assert self.bias is not None
        bias = self.bias.repeat_interleave(4)
        return F.pixel_shuffle(F.conv2d(F.pad(x, (1,) * 4, mode="reflect"), self.folded(), bias), 2)


class EnlargingBlock(ConvBlock):
    """An `EnlargingConv2d`, conditional norm, and ReLU unless `relu` is false."""

    doubles = True

    def __init__(self, inputs: int, outputs: int, styles: int = 1, relu: bool = True) -> None:
        super().__init__(inputs, outputs, 3, styles=styles, relu=relu)

    def convolution(self, inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
        """B×inputs×H×W to B×outputs×2H×2W."""
        return EnlargingConv2d(inputs, outputs)


class TransposedBlock(ConvBlock):
    """A transposed convolution of stride 2 (Johnson 2016); its uneven overlap can show (Odena 2016)."""

    doubles = True

    def convolution(self, inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
        """B×inputs×H×W to B×outputs×2H×2W; the stride given is not used."""
        return nn.ConvTranspose2d(inputs, outputs, kernel, 2, padding=kernel // 2, output_padding=1)
