"""Runs layers on whole frames on the CPU, with what does not change from frame to frame computed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vst.nn.executor import WholeFrame
from vst.nn.folding import FEW, SIDE, cell_kernels, enlarged_kernels, interleave
from vst.nn.layers import (
    EPSILON,
    ConditionalInstanceNorm2d,
    ConvBlock,
    EnlargingBlock,
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
        network: On the CPU, in fp32: kernels are summed before they are rounded. Layers that are not folded
            are brought to the precision in place.
        mix: 1×S in fp32, how much of each style.
        precision: Of the convolutions.
    """

    def __init__(self, network: StyleNetwork, mix: Tensor, precision: torch.dtype) -> None:
        super().__init__(mix)
        self._precision = precision
        self._kernels: dict[nn.Module, Kernels] = {}
        enlarged = enlarged_layers(network)
        with torch.no_grad():
            for module in network.modules():
                if type(module) in (ReflectedConv2d, EnlargingConv2d):
                    weight, bias = folded(module, module in enlarged)  # type: ignore[arg-type]
                    weight = weight.to(precision).contiguous(memory_format=torch.channels_last)
                    self._kernels[module] = Kernels(weight, bias.to(precision))
        self._norms = [each for each in network.modules() if type(each) is ConditionalInstanceNorm2d]
        self.set_mix(mix)
        to_precision(network, precision)

    @torch.no_grad()
    def set_mix(self, mix: Tensor) -> None:
        """See `WholeFrame.set_mix`."""
        super().set_mix(mix)
        self._affine: dict[nn.Module, tuple[Tensor, Tensor]] = {
            norm: ((mix @ norm.weight)[0], (mix @ norm.bias)[0]) for norm in self._norms
        }

    def input(self, planes: Sequence[Tensor], dtype: torch.dtype) -> Tensor:
        """See `Executor.input`; in the type of the kernels."""
        return super().input(planes, self._precision)

    def as_map(self, tensor: Tensor, like: Tensor, dtype: torch.dtype) -> Tensor:
        """See `Executor.as_map`; in the type of the kernels."""
        return super().as_map(tensor, like, self._precision)

    def cast(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """See `Executor.cast`; in the type of the kernels."""
        return super().cast(x, self._precision)

    def block(self, block: ConvBlock, x: Tensor) -> Tensor:
        """See `Executor.block`."""
        if is_enlarged(block):
            y = F.conv2d(F.pad(x, (1,) * 4, mode="replicate"), *self._kernels[block.conv])
            y = interleave(y)[..., 1:-1, 1:-1].contiguous(memory_format=torch.channels_last)
        elif type(block) in (ConvBlock, EnlargingBlock) and block.conv in self._kernels:
            y = self.convolve(block.conv, x)  # type: ignore[arg-type]
        else:
            y = block.project(x)
        affine = self._affine.get(block.norm) if len(x) == 1 else None
        if affine is None:
            y = block.norm(y, self._mix)
        else:
            y = F.batch_norm(y, None, None, *affine, training=True, eps=EPSILON)
        return F.relu_(y) if block.relu else y

    def residual(self, block: ResidualBlock, x: Tensor) -> Tensor:
        """See `Executor.residual`."""
        if type(block) is not ResidualBlock:
            return super().residual(block, x)
        return self.block(block.second, self.block(block.first, x)).add_(x)

    def convolve(self, layer: ReflectedConv2d | EnlargingConv2d, x: Tensor, relu: bool = False) -> Tensor:
        """See `Executor.convolve`."""
        if layer not in self._kernels:
            return super().convolve(layer, x, relu)
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


def to_precision(network: nn.Module, precision: torch.dtype) -> None:
    """Bring the convolutions of a network to a type, in place; norms keep fp32."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.to(precision)


def is_enlarged(block: ConvBlock) -> bool:
    """Whether the convolution of a block is run with `enlarged_kernels`."""
    return type(block) is UpsampleBlock and block.kernel == 3 and type(block.conv) is ReflectedConv2d


def enlarged_layers(network: nn.Module) -> set[nn.Module]:
    """The convolutions for which `is_enlarged`."""
    return {
        block.conv for block in network.modules() if isinstance(block, ConvBlock) and is_enlarged(block)
    }


def in_cells(layer: ReflectedConv2d | EnlargingConv2d) -> bool:
    """Whether `folded` gives a layer's `cell_kernels`."""
    return isinstance(layer, ReflectedConv2d) and layer.out_channels <= FEW and layer.stride == (1, 1)


def folded(layer: ReflectedConv2d | EnlargingConv2d, enlarged: bool) -> tuple[Tensor, Tensor]:
    """The weight and bias that a layer is run with.

    Args:
        layer: The layer.
        enlarged: Whether it is one of `enlarged_layers`.
    """
    assert layer.bias is not None
    if isinstance(layer, EnlargingConv2d):
        return layer.folded(), layer.bias.repeat_interleave(4)
    if enlarged:
        return enlarged_kernels(layer.weight, layer.bias)
    if in_cells(layer):
        return cell_kernels(layer.weight, layer.bias)
    return layer.weight, layer.bias
