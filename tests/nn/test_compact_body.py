"""The body made for processors."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from vst.errors import VstError
from vst.modes.itn.network import ITN, CompactITN
from vst.modes.lstm.network import LSTM
from vst.modes.network_file import load_network, save_weights
from vst.modes.reconet.network import ReCoNet
from vst.modes.vtn.network import VTN, CompactVTN
from vst.nn.body import COMPACT, GatedVariant, Variant
from vst.nn.footprint import tiled_bytes, whole_bytes
from vst.nn.layers import EnlargingConv2d
from vst.nn.style_parameters import one_style
from vst.nn.widen import widen


def frame(*size, seed=0):
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_the_enlarging_convolution_is_a_5x5_one_of_the_enlarged_map():
    torch.manual_seed(0)
    layer, x = EnlargingConv2d(5, 3), torch.randn(2, 5, 9, 12)
    wanted = F.conv2d(F.interpolate(x, scale_factor=2), layer.weight, layer.bias, padding=2)
    inside = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(layer(x)[inside], wanted[inside])


def test_the_enlarging_convolution_leaves_no_pattern_on_an_even_map():
    torch.manual_seed(0)
    y = EnlargingConv2d(4, 3)(torch.ones(1, 4, 6, 6) * torch.randn(1, 4, 1, 1))
    assert (y - y[..., :1, :1]).abs().max() < 1e-5


def test_gradients_reach_the_enlarging_kernel():
    layer = EnlargingConv2d(2, 1).double()
    layer.fold = layer.fold.double()
    x = torch.randn(1, 2, 4, 5, dtype=torch.double, requires_grad=True)
    # The fold is computed in fp32, whatever the weights are in.
    assert torch.autograd.gradcheck(layer, (x,))
    layer(x).square().sum().backward()
    assert layer.weight.grad.abs().min() > 0


@pytest.mark.parametrize("size", [(16, 16), (33, 47), (64, 40), (31, 90)])
@pytest.mark.parametrize(("kind", "inputs"), [(CompactITN, 3), (CompactVTN, 7)])
def test_any_size_comes_out_as_it_went_in(kind, inputs, size):
    output = kind(4)(torch.zeros(2, inputs, *size))
    assert output.shape == (2, 3, *size)
    assert output.abs().max() <= 1


def test_the_modes_build_the_layout_that_the_variant_names():
    assert type(ITN.build(4, 1, COMPACT)) is CompactITN
    assert type(ITN.build(4, 1, Variant())) is ITN
    assert type(VTN.build(4, 1, GatedVariant(layout="compact"))) is CompactVTN
    assert type(VTN.build(4, 1, GatedVariant())) is VTN


@pytest.mark.parametrize("kind", [LSTM, ReCoNet])
def test_modes_without_a_compact_layout_refuse_it(kind):
    with pytest.raises(VstError, match=r"layout is 'compact'; .* has table-4\.1"):
        kind(4, variant=kind.variant_type(layout="compact"))


def test_the_compact_layout_has_no_other_norm_and_no_other_output():
    for field, value in (("norm", "batch"), ("upsampling", "transposed"), ("output", "linear")):
        with pytest.raises(VstError, match=f"{field} is '{value}'; the compact layout has none"):
            Variant(layout="compact", **{field: value})
    with pytest.raises(VstError, match=r"expected table-4\.1 or compact"):
        Variant(layout="grand")


def test_a_weight_file_keeps_the_layout(tmp_path):
    torch.manual_seed(0)
    network = CompactITN(4, styles=2)
    path = tmp_path / "weights.safetensors"
    save_weights(
        path, network, mode="itn", styles=("a", "b"), loss_network="none", recipe="0" * 12, steps=1
    )
    loaded, info = load_network(path)
    assert type(loaded) is CompactITN
    assert info.hyperparameters["layout"] == "compact"
    mix = one_style(1, 2)
    with torch.no_grad():
        torch.testing.assert_close(
            loaded(frame(40, 56), mix), network(frame(40, 56), mix), atol=1e-2, rtol=0
        )


def test_a_vtn_that_starts_from_an_itn_gives_the_same():
    torch.manual_seed(0)
    still, video = CompactITN(4, styles=2), CompactVTN(4, 2, GatedVariant(layout="compact", gate=True))
    assert video.can_start_from(still)
    assert not video.can_start_from(ITN(4, styles=2))
    video.start_from(still)
    mix = one_style(1, 2)
    torch.testing.assert_close(video.stylize_alone(frame(32, 40), mix), still(frame(32, 40), mix))


def test_it_can_be_widened():
    torch.manual_seed(0)
    network = CompactITN(4, styles=2).eval()
    wide = widen(network, 8, noise=0).eval()
    mix = torch.tensor([[0.4, 0.6]])
    with torch.no_grad():
        torch.testing.assert_close(
            wide(frame(48, 32), mix), network(frame(48, 32), mix), atol=1e-4, rtol=1e-4
        )


def test_its_memory_is_less_than_that_of_table_4_1():
    size = (1, 1080, 1920)
    assert whole_bytes(CompactITN(48), *size) < whole_bytes(ITN(16), *size)
    assert tiled_bytes(CompactITN(48), *size, 256) < whole_bytes(CompactITN(48), *size)
