"""ONNX Runtime gives what torch gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from vst.errors import VstError
from vst.modes.cyclegan.network import CycleGenerator, GeneratorVariant
from vst.modes.itn.network import ITN
from vst.modes.onnx_graph import INPUT, OPSET, to_onnx
from vst.nn.body import Variant
from vst.nn.executor import Executor
from vst.nn.layers import ReflectedConv2d
from vst.nn.style_network import Hyperparameters, StyleNetwork

pytest.importorskip("onnxscript", reason="needs the extra onnx")
onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")

M = TypeVar("M")

BLEND = (0.7, 0.3)

VARIANTS = {
    "table 4.1": Variant(blocks=1),
    "compact": Variant(blocks=1, layout="compact"),
    "transposed convolutions, batch norm, linear output": Variant(
        blocks=1, norm="batch", upsampling="transposed", output="linear"
    ),
    "light and contrast of the frame": GeneratorVariant(blocks=1, keep_light=True),
}


def untrained(variant: Variant) -> StyleNetwork:
    """A network of two styles that differ; the same at every call."""
    torch.manual_seed(2)
    kind = CycleGenerator if isinstance(variant, GeneratorVariant) else ITN
    network = kind.build(4, len(BLEND), variant)
    with torch.no_grad():
        for norm in network.norms():
            norm.weight.add_(0.3 * torch.randn_like(norm.weight))
            norm.bias.add_(0.3 * torch.randn_like(norm.bias))
            for name, value in norm.named_buffers():
                value.uniform_(0.5, 2) if name == "variance" else value.normal_()
    return network.eval()


def picture(height: int, width: int) -> Tensor:
    """Smooth colours, some of them outside of 0..1."""
    noise = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(height))
    return F.avg_pool2d(noise, 5, 1, 2) * 3 - 1


def stylized(network: StyleNetwork, image: Tensor) -> Tensor:
    """What torch gives, 0..1."""
    with torch.no_grad():
        return (network(image.clamp(0, 1) * 2 - 1, torch.tensor([BLEND])) + 1) / 2


def run_onnx(model: Any) -> Callable[[Tensor], Tensor]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda image: torch.from_numpy(session.run(None, {INPUT: image.numpy()})[0])


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_a_graph_of_any_size_gives_the_pictures_of_torch(variant: Variant) -> None:
    model = to_onnx(untrained(variant), BLEND)
    onnx.checker.check_model(model, full_check=True)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", OPSET)]
    assert model.ir_version <= 10
    run = run_onnx(model)
    for size in ((16, 16), (57, 90)):
        image = picture(*size)
        expected = stylized(untrained(variant), image)
        assert expected.std() > 0.05
        torch.testing.assert_close(run(image), expected, rtol=0, atol=0.02 / 255)


def test_half_precision_of_one_size_stays_within_a_grey_level() -> None:
    variant = VARIANTS["table 4.1"]
    model = to_onnx(untrained(variant), BLEND, (43, 62), torch.float16)
    assert [each.dim_value for each in model.graph.output[0].type.tensor_type.shape.dim] == [1, 3, 62, 43]
    image = picture(62, 43)
    difference = (run_onnx(model)(image) - stylized(untrained(variant), image)).abs() * 255
    assert 0 < difference.mean() <= 0.5
    assert difference.max() <= 2


class Untranslatable(StyleNetwork):
    """A network with an operation that ONNX lacks."""

    def __init__(self) -> None:
        super().__init__(3, 1, 1, Hyperparameters())
        self.last = ReflectedConv2d(3, 3, 1)

    def layers(self, run: Executor[M], image: M, size: Sequence[int]) -> M:
        return run.convolve(self.last, image)

    def compose(self, raw: Tensor, given: Tensor) -> Tensor:
        return torch.special.bessel_j0(raw)


def test_an_operation_without_a_translation_is_one_line() -> None:
    with pytest.raises(VstError, match=r"cannot be written as ONNX .*choose another mode") as caught:
        to_onnx(Untranslatable(), [1.0], (16, 16))
    assert "\n" not in str(caught.value)
