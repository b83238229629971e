"""A network as an ONNX graph: a picture in, a stylized picture out, each 1×3×H×W, 0..1."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vst.errors import VstError
from vst.modes.network_runner import to_network
from vst.nn.executor import WholeFrame
from vst.nn.layers import EPSILON, ConditionalInstanceNorm2d, ConvBlock, ResidualBlock
from vst.nn.style_network import SMALLEST_SIDE, StyleNetwork

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 18
"""Version of ONNX's operators: the one of PyTorch's translations, so that nothing is converted."""

INPUT, OUTPUT = "image", "stylized"
"""Names of the graph's input and output."""

_EXAMPLE = (90, 123)
"""Height and width while a graph of any size is traced: no multiple of anything in a network."""


class TraceableFrame(WholeFrame):
    """Runs layers on whole frames, one at a time, in operations that ONNX has.

    The numbers are those of `WholeFrame`. Instance norm is an operator of ONNX, where batch norm with the
    batch's statistics is not; padding to a multiple does not depend on a comparison of sizes.
    """

    def block(self, block: ConvBlock, x: Tensor) -> Tensor:
        """See `Executor.block`."""
        y = self._normed(block, block.project(x))
        return F.relu(y) if block.relu else y

    def residual(self, block: ResidualBlock, x: Tensor) -> Tensor:
        """See `Executor.residual`."""
        return x + self.block(block.second, self.block(block.first, x))

    def pack(self, x: Tensor, factor: int, multiple: int) -> Tensor:
        """See `Executor.pack`."""
        height, width = x.shape[-2:]
        x = F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="reflect")
        return F.pixel_unshuffle(x, factor)

    def _normed(self, block: ConvBlock, x: Tensor) -> Tensor:
        norm = block.norm
        if not isinstance(norm, ConditionalInstanceNorm2d):
            normed: Tensor = norm(x, self._mix)
            return normed
        weight, bias = (self._mix @ norm.weight)[0], (self._mix @ norm.bias)[0]
        # In fp32, as everywhere: a sum over a large plane does not fit into fp16.
        return F.instance_norm(x.float(), weight=weight, bias=bias, eps=EPSILON).to(x.dtype)


class _Picture(nn.Module):
    """A network set to its blend, from 0..1 to 0..1."""

    mix: Tensor

    def __init__(self, network: StyleNetwork, mixture: Sequence[float]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mix", torch.tensor([list(mixture)]))

    def forward(self, image: Tensor) -> Tensor:
        x = to_network(image)
        run = TraceableFrame(self.mix)
        raw = self.network.layers(run, x.to(self.network.last.weight.dtype), x.shape[-2:])
        return (self.network.compose(raw, x) + 1) / 2


def to_onnx(
    network: StyleNetwork,
    mixture: Sequence[float],
    size: tuple[int, int] | None = None,
    precision: torch.dtype = torch.float32,
) -> ModelProto:
    """Translate a network. Its input is `INPUT`, its output `OUTPUT`, both 1×3×H×W in fp32, RGB, 0..1.

    Needs the packages onnx and onnxscript.

    Args:
        network: One that takes nothing but the frame, on the CPU; it is changed.
        mixture: The share of each of its styles; becomes part of the constants.
        size: Width and height, at least `SMALLEST_SIDE`; None: any, decided at every call.
        precision: float32 or float16, of the convolutions and their weights.

    Raises:
        VstError: The network uses an operation that has no translation.
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            module.to(precision)
    width, height = size or _EXAMPLE[::-1]
    sides = {2: _side("height"), 3: _side("width")}
    try:
        with warnings.catch_warnings():
            # About the exporter itself: nothing that a user can act on.
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                _Picture(network, mixture).eval().requires_grad_(False),
                (torch.empty(1, 3, height, width),),
                dynamo=True,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=None if size else {INPUT: sides},
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        first = str(error).strip().splitlines()[0]
        raise VstError(f"the network cannot be written as ONNX ({first}); choose another mode") from error
    assert program is not None
    from onnx_ir import to_proto
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    # The exporter notes with each operator where in which file it comes from: paths of this machine.
    model: ModelProto = to_proto(ClearMetadataAndDocStringPass()(program.model).model)
    if size is None:
        # Else the exporter's formula for height and width after down- and up-sampling and the cut.
        for number, name in ((2, "height"), (3, "width")):
            model.graph.output[0].type.tensor_type.shape.dim[number].dim_param = name
    for place in (model.graph.input[0], model.graph.output[0]):
        place.ClearField("metadata_props")
    return model


def _side(name: str) -> torch.export.Dim:
    return torch.export.Dim(name, min=SMALLEST_SIDE)
