"""How a network's layers are run: one set of operations, and who carries them out.

A network declares its layers once, as calls of an `Executor`. `WholeFrame` runs them on tensors, at once.
`vst.nn.tiled.Tiled` runs the same calls in tiles, and `vst.nn.footprint.Footprint` counts their memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.nn.layers import ConvBlock, EnlargingConv2d, ReflectedConv2d, ResidualBlock

M = TypeVar("M")
"""Feature maps as an executor has them: B×C×H×W, in memory or not."""


class Executor(Protocol[M]):
    """The operations that networks are made of.

    Feature maps are values of the executor's own type M; only the executor looks into them.
    """

    def given(self, planes: Sequence[Tensor]) -> M:
        """What a network is given, joined along C, in its own type.

        Args:
            planes: B×C×H×W each.
        """
        ...

    def input(self, planes: Sequence[Tensor], dtype: torch.dtype) -> M:
        """The same, in the type that convolutions work in."""
        ...

    def as_map(self, tensor: Tensor, like: M, dtype: torch.dtype) -> M:
        """A tensor of another map's size as a map, in a type."""
        ...

    def cast(self, x: M, dtype: torch.dtype) -> M:
        """A map in a type: under autocast, what a layer gives is not of the type of the weights."""
        ...

    def block(self, block: ConvBlock, x: M) -> M:
        """Convolution, norm and perhaps ReLU."""
        ...

    def residual(self, block: ResidualBlock, x: M) -> M:
        """Two convolutions whose result is added to the input."""
        ...

    def convolve(self, layer: ReflectedConv2d | EnlargingConv2d, x: M, relu: bool = False) -> M:
        """A convolution without a norm."""
        ...

    def pack(self, x: M, factor: int, multiple: int) -> M:
        """Space-to-depth: a cell of factor × factor pixels becomes one pixel of factor² as many channels.

        Args:
            x: B×C×H×W.
            factor: Side of a cell.
            multiple: H and W are first made multiples of this by reflection at the bottom and right.
        """
        ...

    def add(self, x: M, y: M) -> M:
        """The sum of two maps of one size and type."""
        ...

    def concat(self, x: M, y: M) -> M:
        """Two maps joined along C, in the type of the first."""
        ...

    def crop(self, x: M, size: Sequence[int]) -> M:
        """The upper left part of a map.

        Args:
            x: A map that may be larger.
            size: H and W of the part.
        """
        ...

    def window(self, x: M, reach: int) -> M:
        """A map that several of the last convolutions read, each at most `reach` pixels to each side.

        Executors that make pieces make the piece around a tile once for all of them.
        """
        ...

    def whole(self, x: M, like: Tensor) -> Tensor:
        """All of a map in fp32, on the device of another tensor."""
        ...

    def recurrent(
        self,
        cell: Callable[..., tuple[Tensor, ...]],
        inputs: Sequence[M],
        state: Sequence[Tensor],
        reach: int,
    ) -> tuple[Tensor, ...]:
        """The next state of a recurrent cell.

        Args:
            cell: From inputs and state to the next state, all of one size.
            inputs: Maps.
            state: Tensors of their size.
            reach: How many pixels to each side the cell looks at most.

        Returns:
            The next state, where the last one is.
        """
        ...

    def compose(
        self, function: Callable[..., Tensor], inputs: Sequence[M | Tensor | None], like: Tensor
    ) -> Tensor:
        """The output of a network, a function of each pixel for itself.

        Args:
            function: From the inputs to B×3×H×W.
            inputs: Maps, tensors of the picture's size, or None.
            like: The output is of the type and on the device of this tensor.
        """
        ...


class WholeFrame:
    """Runs layers on whole frames. Maps are tensors.

    Args:
        mix: B×S or 1×S in fp32, how much of each style.
    """

    def __init__(self, mix: Tensor) -> None:
        self._mix = mix

    def set_mix(self, mix: Tensor) -> None:
        """Run layers in another mixture of styles from now on."""
        self._mix = mix

    def given(self, planes: Sequence[Tensor]) -> Tensor:
        """See `Executor.given`."""
        return planes[0] if len(planes) == 1 else torch.cat(list(planes), 1)

    def input(self, planes: Sequence[Tensor], dtype: torch.dtype) -> Tensor:
        """See `Executor.input`."""
        return self.given(planes).to(dtype)

    def as_map(self, tensor: Tensor, like: Tensor, dtype: torch.dtype) -> Tensor:
        """See `Executor.as_map`."""
        return tensor.to(dtype)

    def cast(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """See `Executor.cast`."""
        return x.to(dtype)

    def block(self, block: ConvBlock, x: Tensor) -> Tensor:
        """See `Executor.block`."""
        y: Tensor = block(x, self._mix)
        return y

    def residual(self, block: ResidualBlock, x: Tensor) -> Tensor:
        """See `Executor.residual`."""
        y: Tensor = block(x, self._mix)
        return y

    def convolve(self, layer: ReflectedConv2d | EnlargingConv2d, x: Tensor, relu: bool = False) -> Tensor:
        """See `Executor.convolve`."""
        y: Tensor = layer(x)
        return F.relu(y) if relu else y

    def pack(self, x: Tensor, factor: int, multiple: int) -> Tensor:
        """See `Executor.pack`."""
        height, width = x.shape[-2:]
        below, right = -height % multiple, -width % multiple
        if below or right:
            x = F.pad(x, (0, right, 0, below), mode="reflect")
        return F.pixel_unshuffle(x, factor).contiguous(memory_format=torch.channels_last)

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        """See `Executor.add`."""
        return x + y

    def concat(self, x: Tensor, y: Tensor) -> Tensor:
        """See `Executor.concat`."""
        return torch.cat((x, y.to(x.dtype)), 1)

    def crop(self, x: Tensor, size: Sequence[int]) -> Tensor:
        """See `Executor.crop`."""
        return x[..., : size[0], : size[1]]

    def window(self, x: Tensor, reach: int) -> Tensor:
        """See `Executor.window`."""
        return x

    def whole(self, x: Tensor, like: Tensor) -> Tensor:
        """See `Executor.whole`."""
        return x.float()

    def recurrent(
        self,
        cell: Callable[..., tuple[Tensor, ...]],
        inputs: Sequence[Tensor],
        state: Sequence[Tensor],
        reach: int,
    ) -> tuple[Tensor, ...]:
        """See `Executor.recurrent`."""
        return cell(*inputs, *state)

    def compose(
        self, function: Callable[..., Tensor], inputs: Sequence[Tensor | None], like: Tensor
    ) -> Tensor:
        """See `Executor.compose`."""
        return function(*inputs)
