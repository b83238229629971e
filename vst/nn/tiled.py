"""Runs a network in tiles: the output of the whole frame, up to the order of sums, in less memory.

Instance norm takes its statistics from the whole frame, so tiles cannot be stylized one after the other:
each layer goes over all of them before the next can begin. A layer at full resolution is not kept. It is
computed twice, once for its statistics and once for the next layer. Coarser layers are kept.
docs/adr/0011-tiles-layer-by-layer.md.

What is given stays on its device, and the output is on the same. What is held between the layers is on the
network's device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vst.nn.layers import ConvBlock, EnlargingConv2d, ReflectedConv2d, ResidualBlock
from vst.nn.maps import (
    Convolved,
    Cropped,
    Enlarged,
    InMemory,
    Joined,
    Map,
    Normed,
    Packed,
    Planes,
    Rectified,
    Summed,
    Windowed,
    tiles,
)
from vst.nn.moments import Moments


@dataclass(frozen=True)
class TiledMap:
    """A feature map and how coarse it is.

    Attributes:
        map: The map.
        scale: Pixels of the frame a pixel of the map, in either direction.
    """

    map: Map
    scale: int = 1


class Tiled:
    """Runs layers in tiles; see `vst.nn.executor.Executor` for the operations. Maps are `TiledMap`s.

    Args:
        mix: 1×S or B×S, on the network's device.
        tile: Longest side of a tile in pixels of the frame.
    """

    def __init__(self, mix: Tensor, tile: int) -> None:
        self._mix, self._device, self._tile = mix, mix.device, tile
        self._windows: list[Windowed] = []

    def given(self, planes: Sequence[Tensor]) -> TiledMap:
        """See `Executor.given`."""
        return self.input(planes, planes[0].dtype)

    def input(self, planes: Sequence[Tensor], dtype: torch.dtype) -> TiledMap:
        """See `Executor.input`."""
        return TiledMap(Planes(planes, self._device, dtype))

    def as_map(self, tensor: Tensor, like: TiledMap, dtype: torch.dtype) -> TiledMap:
        """See `Executor.as_map`."""
        return TiledMap(Planes([tensor], self._device, dtype), like.scale)

    def cast(self, x: TiledMap, dtype: torch.dtype) -> TiledMap:
        """See `Executor.cast`; layers have the type of the weights already."""
        return x

    @torch.no_grad()
    def block(self, block: ConvBlock, x: TiledMap) -> TiledMap:
        """See `Executor.block`."""
        scale = x.scale // 2 if block.doubles else x.scale * block.stride
        return TiledMap(self._block(block, x.map, scale, max(self._tile // scale, 1)), scale)

    @torch.no_grad()
    def residual(self, block: ResidualBlock, x: TiledMap) -> TiledMap:
        """See `Executor.residual`."""
        # Without a stride both convolutions read little more than they write: tiles may be larger.
        side = max(self._tile // max(x.scale // 2, 1), 1)
        y = self._kept(block.second, self._kept(block.first, x.map, side), side)
        raw = y.source
        assert isinstance(raw, InMemory)
        for box in tiles(raw.size, side):
            raw.piece(box).copy_(x.map.piece(box) + y.piece(box))
        return TiledMap(raw, x.scale)

    def convolve(
        self, layer: ReflectedConv2d | EnlargingConv2d, x: TiledMap, relu: bool = False
    ) -> TiledMap:
        """See `Executor.convolve`."""
        if isinstance(layer, EnlargingConv2d):
            y: Map = Enlarged(layer, x.map)
            scale = x.scale // 2
        else:
            y = Convolved(layer, x.map, layer.kernel_size[0], layer.stride[0])
            scale = x.scale * layer.stride[0]
        return TiledMap(Rectified(y) if relu else y, scale)

    def pack(self, x: TiledMap, factor: int, multiple: int) -> TiledMap:
        """See `Executor.pack`."""
        return TiledMap(Packed(x.map, factor, multiple), x.scale * factor)

    def add(self, x: TiledMap, y: TiledMap) -> TiledMap:
        """See `Executor.add`."""
        return TiledMap(Summed(x.map, y.map), x.scale)

    def concat(self, x: TiledMap, y: TiledMap) -> TiledMap:
        """See `Executor.concat`."""
        return TiledMap(Joined(x.map, y.map), x.scale)

    def crop(self, x: TiledMap, size: Sequence[int]) -> TiledMap:
        """See `Executor.crop`."""
        height, width = size
        return TiledMap(Cropped(x.map, (height, width)), x.scale)

    def window(self, x: TiledMap, reach: int) -> TiledMap:
        """See `Executor.window`."""
        self._windows.append(Windowed(x.map, reach))
        return TiledMap(self._windows[-1], x.scale)

    @torch.no_grad()
    def whole(self, x: TiledMap, like: Tensor) -> Tensor:
        """See `Executor.whole`."""
        if isinstance(x.map, InMemory):
            return x.map.tensor.to(like.device, torch.float32)
        return self._assemble(x.map, max(self._tile // x.scale, 1)).to(like.device, torch.float32)

    @torch.no_grad()
    def recurrent(
        self,
        cell: Callable[..., tuple[Tensor, ...]],
        inputs: Sequence[TiledMap],
        state: Sequence[Tensor],
        reach: int,
    ) -> tuple[Tensor, ...]:
        """See `Executor.recurrent`."""
        size, scale = inputs[0].map.size, inputs[0].scale
        following = tuple(map(torch.empty_like, state))
        for box in tiles(size, max(self._tile // scale, 1)):
            wide = box.grown(reach, size)
            before = (wide.of(each).to(self._device) for each in state)
            after = cell(*(each.map.piece(wide) for each in inputs), *before)
            inner = box.within(wide)
            for whole, part in zip(following, after, strict=True):
                box.of(whole).copy_(inner.of(part))
        return following

    @torch.no_grad()
    def compose(
        self, function: Callable[..., Tensor], inputs: Sequence[TiledMap | Tensor | None], like: Tensor
    ) -> Tensor:
        """See `Executor.compose`."""
        height, width = like.shape[-2:]
        out = torch.empty_like(like[:, :1]).repeat(1, 3, 1, 1)
        for box in tiles((height, width), self._tile):
            for window in self._windows:
                window.move(box)
            pieces: list[Tensor | None] = []
            for each in inputs:
                if isinstance(each, Tensor):
                    pieces.append(box.of(each).to(self._device))
                else:
                    pieces.append(None if each is None else each.map.piece(box))
            box.of(out).copy_(function(*pieces))
        for window in self._windows:
            window.move(None)
        return out

    def _block(self, block: ConvBlock, source: Map, scale: int, side: int) -> Normed:
        """A block's output; at full resolution it is computed at each request, else kept."""
        if scale > 1:
            return self._kept(block, source, side)
        raw = _projected(block, source)
        mean, variance = block.norm.statistics(
            lambda: Moments.of(raw.piece(box) for box in tiles(raw.size, side)).result()
        )
        return Normed(raw, block.norm, mean, variance, self._mix, block.relu)

    def _kept(self, block: ConvBlock, source: Map, side: int) -> Normed:
        """A block's output, with what comes before its norm in memory."""
        moments = Moments()
        whole = self._assemble(_projected(block, source), side, moments)
        mean, variance = block.norm.statistics(moments.result)
        return Normed(InMemory(whole), block.norm, mean, variance, self._mix, block.relu)

    def _assemble(self, source: Map, side: int, moments: Moments | None = None) -> Tensor:
        """All of a map, made in pieces no longer than `side`, and its moments."""
        whole: Tensor | None = None
        for box in tiles(source.size, side):
            part = source.piece(box)
            if whole is None:
                whole = part.new_empty(*part.shape[:2], *source.size)
                whole = whole.contiguous(memory_format=torch.channels_last)
            box.of(whole).copy_(part)
            if moments is not None:
                moments.add(part)
        assert whole is not None
        return whole


def _projected(block: ConvBlock, source: Map) -> Map:
    if block.doubles:
        return Enlarged(block.project, source)
    return Convolved(block.project, source, block.kernel, block.stride)
