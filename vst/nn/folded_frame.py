"""Runs layers on whole frames on the CPU, with what does not change from frame to frame computed once."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.nn.executor import WholeFrame
from vst.nn.folding import FEW, SIDE, cell_kernels, enlarged_kernels, interleave
from vst.nn.layers import (
    EPSILON,
    ConditionalInstanceNorm2d,
    ConvBlock,
    EnlargingConv2d,
    ReflectedConv2d,
    ResidualBlock,
    UpsampleBlock,
)
from vst.nn.style_network import StyleNetwork


class Kernels(NamedTuple):
    """A convolution's weight and bias, in the type and memory format it runs in."""

    weight: Tensor
    bias: Tensor


class FoldedFrame(WholeFrame):
    """As `WholeFrame` up to the order of sums, in less time: `vst.nn.folding` says how.

    Args:
        network: On the CPU, in fp32: kernels are summed before they are rounded.
        mix: 1×S in fp32, how much of each style.
        precision: Of the convolutions.
    """

    def __init__(self, network: StyleNetwork, mix: Tensor, precision: torch.dtype) -> None:
        super().__init__(mix)
        self._kernels: dict[ReflectedConv2d | EnlargingConv2d, Kernels] = {}
        self._affine: dict[ConditionalInstanceNorm2d, tuple[Tensor, Tensor]] = {}
        enlarged = {block.conv for block in network.modules() if type(block) is UpsampleBlock}
        with torch.no_grad():
            for module in network.modules():
                if isinstance(module, ConditionalInstanceNorm2d):
                    self._affine[module] = (mix @ module.weight)[0], (mix @ module.bias)[0]
                elif isinstance(module, ReflectedConv2d | EnlargingConv2d):
                    weight, bias = folded(module, module in enlarged)
                    weight = weight.to(precision).contiguous(memory_format=torch.channels_last)
                    self._kernels[module] = Kernels(weight, bias.to(precision))

    def block(self, block: ConvBlock, x: Tensor) -> Tensor:
        """See `Executor.block`."""
        if type(block) is UpsampleBlock:
            assert isinstance(block.conv, ReflectedConv2d)
            y = F.conv2d(F.pad(x, (1,) * 4, mode="replicate"), *self._kernels[block.conv])
            y = interleave(y)[..., 1:-1, 1:-1].contiguous(memory_format=torch.channels_last)
        elif isinstance(block.conv, ReflectedConv2d | EnlargingConv2d):
            y = self.convolve(block.conv, x)
        else:
            y = block.project(x)
        y = self._normed(block, y)
        return F.relu_(y) if block.relu else y

    def residual(self, block: ResidualBlock, x: Tensor) -> Tensor:
        """See `Executor.residual`."""
        return self.block(block.second, self.block(block.first, x)).add_(x)

    def convolve(self, layer: ReflectedConv2d | EnlargingConv2d, x: Tensor, relu: bool = False) -> Tensor:
        """See `Executor.convolve`."""
        weight, bias = self._kernels[layer]
        if isinstance(layer, EnlargingConv2d):
            y = F.pixel_shuffle(F.conv2d(F.pad(x, (1,) * 4, mode="reflect"), weight, bias), 2)
        elif in_cells(layer):
            height, width = x.shape[-2:]
            reach = layer.kernel_size[0] // 2
            x = F.pad(x, (reach, reach + width % SIDE, reach, reach + height % SIDE), mode="reflect")
            y = interleave(F.conv2d(x, weight, bias, SIDE))[..., :height, :width]
        else:
            x = F.pad(x, (layer.kernel_size[0] // 2,) * 4, mode="reflect")
            y = F.conv2d(x, weight, bias, layer.stride)
        return F.relu(y) if relu else y

    def _normed(self, block: ConvBlock, x: Tensor) -> Tensor:
        affine = self._affine.get(block.norm) if len(x) == 1 else None  # type: ignore[call-overload]
        if affine is None:
            normed: Tensor = block.norm(x, self._mix)
            return normed
        return F.batch_norm(x, None, None, *affine, training=True, eps=EPSILON)


def in_cells(layer: ReflectedConv2d | EnlargingConv2d) -> bool:
    """Whether `folded` gives a layer's `cell_kernels`."""
    return isinstance(layer, ReflectedConv2d) and layer.out_channels <= FEW and layer.stride == (1, 1)


def folded(layer: ReflectedConv2d | EnlargingConv2d, is_enlarged: bool) -> tuple[Tensor, Tensor]:
    """The weight and bias that a layer is run with.

    Args:
        layer: The layer.
        is_enlarged: Whether it is that of an `UpsampleBlock`.
    """
    assert layer.bias is not None
    if isinstance(layer, EnlargingConv2d):
        return layer.folded(), layer.bias.repeat_interleave(4)
    if is_enlarged:
        return enlarged_kernels(layer.weight, layer.bias)
    if in_cells(layer):
        return cell_kernels(layer.weight, layer.bias)
    return layer.weight, layer.bias
