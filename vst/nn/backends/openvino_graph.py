"""A network's layers as an OpenVINO graph for one size, up to what the last convolution gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from vst.nn.backends.backend import BackendError
from vst.nn.backends.openvino_import import openvino
from vst.nn.backends.openvino_import import opset13 as op
from vst.nn.folded_frame import enlarged_layers, folded, in_cells, is_enlarged
from vst.nn.folding import SIDE
from vst.nn.layers import (
    EPSILON,
    ConditionalInstanceNorm2d,
    ConvBlock,
    EnlargingBlock,
    EnlargingConv2d,
    ReflectedConv2d,
    ResidualBlock,
)
from vst.nn.style_network import StyleNetwork

Node = Any
"""A node of the graph; OpenVINO's types are no part of its stubs."""


def build_graph(network: StyleNetwork, mix: Tensor, size: tuple[int, int]) -> openvino.Model:
    """The layers of a network, from its input, 1×inputs×H×W in fp32, to the raw output in fp32.

    OpenVINO's converters are not used: they trace what is declared here already.

    Args:
        network: On the CPU, in fp32.
        mix: 1×S in fp32, how much of each style; becomes part of the constants.
        size: H and W.

    Raises:
        BackendError: The network has an operation that is missing here.
    """
    image = op.parameter([1, network.inputs, *size], np.float32)
    raw = network.layers(GraphBuilder(network, mix), image, size)
    return openvino.Model([op.result(raw)], [image], type(network).__name__)


class GraphBuilder:
    """Adds layers to a graph; see `vst.nn.executor.Executor` for the operations. Maps are nodes.

    Args:
        network: On the CPU, in fp32.
        mix: As of `build_graph`.
    """

    def __init__(self, network: StyleNetwork, mix: Tensor) -> None:
        self._mix = mix
        self._enlarged = enlarged_layers(network)

    def given(self, planes: Sequence[Tensor]) -> Node:
        """See `Executor.given`."""
        self._missing("input")

    def input(self, planes: Sequence[Tensor], dtype: torch.dtype) -> Node:
        """See `Executor.input`."""
        self._missing("input")

    def as_map(self, tensor: Tensor, like: Node, dtype: torch.dtype) -> Node:
        """See `Executor.as_map`."""
        self._missing("as_map")

    def cast(self, x: Node, dtype: torch.dtype) -> Node:
        """See `Executor.cast`; OpenVINO decides on types."""
        return x

    def block(self, block: ConvBlock, x: Node) -> Node:
        """See `Executor.block`."""
        norm = block.norm
        if type(norm) is not ConditionalInstanceNorm2d:
            self._missing(type(norm).__name__)
        if is_enlarged(block):
            x = self._convolution(block.conv, _pad(x, (1, 1), (1, 1), "edge"))
            x = _cut(op.depth_to_space(x, "blocks_first", SIDE), (1, 1), (-1, -1))
        elif type(block) in (ConvBlock, EnlargingBlock):
            x = self.convolve(block.conv, x)  # type: ignore[arg-type]
        else:
            self._missing(type(block).__name__)
        x = op.mvn(x, op.constant([2, 3]), True, EPSILON, "inside_sqrt")
        scale, shift = ((self._mix @ each)[0] for each in (norm.weight, norm.bias))
        x = op.add(op.multiply(x, _plane(scale)), _plane(shift))
        return op.relu(x) if block.relu else x

    def residual(self, block: ResidualBlock, x: Node) -> Node:
        """See `Executor.residual`."""
        if type(block) is not ResidualBlock:
            self._missing(type(block).__name__)
        return op.add(x, self.block(block.second, self.block(block.first, x)))

    def convolve(self, layer: ReflectedConv2d | EnlargingConv2d, x: Node, relu: bool = False) -> Node:
        """See `Executor.convolve`."""
        if type(layer) not in (ReflectedConv2d, EnlargingConv2d):
            self._missing(type(layer).__name__)
        reach = layer.kernel_size[0] // 2
        if isinstance(layer, EnlargingConv2d):
            x = self._convolution(layer, _pad(x, (1, 1), (1, 1)))
            x = op.depth_to_space(x, "depth_first", SIDE)
        elif in_cells(layer):
            height, width = x.shape[2], x.shape[3]
            x = _pad(x, (reach, reach), (reach + height % SIDE, reach + width % SIDE))
            x = op.depth_to_space(self._convolution(layer, x, SIDE), "blocks_first", SIDE)
            x = _cut(x, (0, 0), (height, width))
        else:
            x = self._convolution(layer, _pad(x, (reach, reach), (reach, reach)), layer.stride[0])
        return op.relu(x) if relu else x

    def pack(self, x: Node, factor: int, multiple: int) -> Node:
        """See `Executor.pack`."""
        below, right = -x.shape[2] % multiple, -x.shape[3] % multiple
        return op.space_to_depth(_pad(x, (0, 0), (below, right)), "depth_first", factor)

    def add(self, x: Node, y: Node) -> Node:
        """See `Executor.add`."""
        return op.add(x, y)

    def concat(self, x: Node, y: Node) -> Node:
        """See `Executor.concat`."""
        return op.concat([x, y], 1)

    def crop(self, x: Node, size: Sequence[int]) -> Node:
        """See `Executor.crop`."""
        return _cut(x, (0, 0), (size[0], size[1]))

    def window(self, x: Node, reach: int) -> Node:
        """See `Executor.window`."""
        return x

    def whole(self, x: Node, like: Tensor) -> Tensor:
        """See `Executor.whole`."""
        self._missing("whole")

    def recurrent(
        self,
        cell: Callable[..., tuple[Tensor, ...]],
        inputs: Sequence[Node],
        state: Sequence[Tensor],
        reach: int,
    ) -> tuple[Tensor, ...]:
        """See `Executor.recurrent`."""
        self._missing("recurrent")

    def compose(
        self, function: Callable[..., Tensor], inputs: Sequence[Node | Tensor | None], like: Tensor
    ) -> Tensor:
        """See `Executor.compose`."""
        self._missing("compose")

    def _convolution(self, layer: Any, x: Node, stride: int = 1) -> Node:
        weight, bias = folded(layer, layer in self._enlarged)
        y = op.convolution(x, _constant(weight), [stride] * 2, [0, 0], [0, 0], [1, 1])
        return op.add(y, _plane(bias))

    def _missing(self, operation: str) -> NoReturn:
        raise BackendError(f"the network's {operation} has no counterpart in an OpenVINO graph")


def _constant(tensor: Tensor) -> Node:
    return op.constant(tensor.detach().float().contiguous().numpy())


def _plane(tensor: Tensor) -> Node:
    return _constant(tensor[None, :, None, None])


def _pad(x: Node, before: tuple[int, int], after: tuple[int, int], mode: str = "reflect") -> Node:
    if not any(before + after):
        return x
    return op.pad(x, op.constant([0, 0, *before]), op.constant([0, 0, *after]), mode)


def _cut(x: Node, start: tuple[int, int], stop: tuple[int, int]) -> Node:
    if start == (0, 0) and stop == (x.shape[2], x.shape[3]):
        return x
    one = op.constant([1, 1])
    return op.slice(x, op.constant(list(start)), op.constant(list(stop)), one, op.constant([2, 3]))
