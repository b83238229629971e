"""How much memory it takes to stylize a frame, whole or in tiles, counted from a network's layers.

Whole, the peak is at the layer whose input, enlarged input, padded input and output are largest together:
with the body of table 4.1 the last up-sampling, 5.5 w channels at full resolution. In tiles it is what a
layer and the one before it keep, 0.75 w there, and the same peak of one tile. Workspaces of libraries come
on top.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vst.nn.layers import ConvBlock, EnlargingConv2d, ReflectedConv2d, ResidualBlock
from vst.nn.style_network import StyleNetwork

_HALOS = 16 / 11
"""A tile takes more than its share of the frame: halos, the norm's products and the last padding."""


def whole_bytes(network: StyleNetwork, batch: int, height: int, width: int) -> int:
    """Bytes that stylizing whole frames takes at its peak.

    Args:
        network: Its weights in the type that it computes in.
        batch: Number of frames at once.
        height: Of a frame, in pixels.
        width: Of a frame, in pixels.
    """
    channels = _count(network).peak * _bytes(network) + network.held_bytes(in_tiles=False)
    return round(channels * batch * height * width)


def tiled_bytes(network: StyleNetwork, batch: int, height: int, width: int, tile: int) -> int:
    """Bytes that stylizing in tiles takes at its peak.

    Args:
        network: As for `whole_bytes`.
        batch: As there.
        height: As there.
        width: As there.
        tile: Longest side of a tile, in pixels.
    """
    count = _count(network)
    kept = count.kept * _bytes(network) + network.held_bytes(in_tiles=True)
    piece = min(tile, height) * min(tile, width) * _HALOS * count.peak * _bytes(network)
    return round(batch * (kept * height * width + piece))


def _bytes(network: StyleNetwork) -> int:
    return network.last.weight.element_size()


def _count(network: StyleNetwork) -> Footprint:
    count = Footprint()
    network.layers(count, Channels(network.inputs), (1, 1))
    return count


@dataclass(frozen=True)
class Channels:
    """A feature map's size.

    Attributes:
        number: Of its channels.
        scale: Pixels of the frame a pixel of the map, in either direction.
        kept: Whether tiles keep it in memory.
    """

    number: int
    scale: int = 1
    kept: bool = False

    @property
    def area(self) -> float:
        """Its numbers a pixel of the frame."""
        return self.number / self.scale**2


class Footprint:
    """Counts what layers hold; see `vst.nn.executor.Executor` for the operations.

    Attributes:
        peak: The most that a layer of a whole frame holds, in channels at full resolution.
        kept: The most that tiles keep, in the same.
    """

    def __init__(self) -> None:
        self.peak = self.kept = 0.0

    def given(self, planes: Sequence[Tensor]) -> Channels:
        """See `Executor.given`."""
        return Channels(sum(each.shape[1] for each in planes))

    def input(self, planes: Sequence[Tensor], dtype: torch.dtype) -> Channels:
        """See `Executor.input`."""
        return self.given(planes)

    def as_map(self, tensor: Tensor, like: Channels, dtype: torch.dtype) -> Channels:
        """See `Executor.as_map`."""
        return like

    def cast(self, x: Channels, dtype: torch.dtype) -> Channels:
        """See `Executor.cast`."""
        return x

    def block(self, block: ConvBlock, x: Channels) -> Channels:
        """See `Executor.block`."""
        scale = x.scale // 2 if block.doubles else x.scale * block.stride
        # The input, the same enlarged, and that padded.
        read = x.area + (2 * block.inputs / scale**2 if block.doubles else x.area)
        return self._add(read, x, Channels(block.outputs, scale, kept=scale > 1))

    def residual(self, block: ResidualBlock, x: Channels) -> Channels:
        """See `Executor.residual`."""
        self.peak = max(self.peak, 4 * x.area)
        self.kept = max(self.kept, 3 * x.area)
        return Channels(x.number, x.scale, kept=True)

    def convolve(
        self, layer: ReflectedConv2d | EnlargingConv2d, x: Channels, relu: bool = False
    ) -> Channels:
        """See `Executor.convolve`."""
        if isinstance(layer, EnlargingConv2d):
            y = Channels(layer.out_channels, x.scale // 2)
            return self._add(2 * x.area + y.area, x, y)  # what is read, padded, and before depth-to-space
        return self._add(2 * x.area, x, Channels(layer.out_channels, x.scale * layer.stride[0]))

    def pack(self, x: Channels, factor: int, multiple: int) -> Channels:
        """See `Executor.pack`."""
        return self._add(2 * x.area, x, Channels(x.number * factor**2, x.scale * factor))

    def add(self, x: Channels, y: Channels) -> Channels:
        """See `Executor.add`."""
        return self._add(x.area + y.area, x, Channels(x.number, x.scale))

    def concat(self, x: Channels, y: Channels) -> Channels:
        """See `Executor.concat`."""
        return Channels(x.number + y.number, x.scale)

    def crop(self, x: Channels, size: Sequence[int]) -> Channels:
        """See `Executor.crop`."""
        return x

    def window(self, x: Channels, reach: int) -> Channels:
        """See `Executor.window`."""
        return x

    def whole(self, x: Channels, like: Tensor) -> Tensor:
        """See `Executor.whole`; there is no tensor."""
        raise NotImplementedError("layers are counted without tensors")

    def recurrent(
        self,
        cell: Callable[..., tuple[Tensor, ...]],
        inputs: Sequence[Channels],
        state: Sequence[Tensor],
        reach: int,
    ) -> tuple[Tensor, ...]:
        """See `Executor.recurrent`."""
        return tuple(state)

    def compose(
        self, function: Callable[..., Tensor], inputs: Sequence[Channels | Tensor | None], like: Tensor
    ) -> Tensor:
        """See `Executor.compose`."""
        return like

    def _add(self, read: float, x: Channels, y: Channels) -> Channels:
        self.peak = max(self.peak, read + y.area)
        self.kept = max(self.kept, sum(each.area for each in (x, y) if each.kept))
        return y
