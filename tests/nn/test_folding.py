"""Folded kernels give what the layers give, up to the order of sums."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F

from vst.modes.itn.network import ITN
from vst.modes.vtn.network import VTN, CompactVTN
from vst.nn.body import COMPACT_LAYOUT, GatedVariant, Variant
from vst.nn.executor import WholeFrame
from vst.nn.folded_frame import FoldedFrame
from vst.nn.folding import cell_kernels, enlarged_kernels, interleave
from vst.nn.layers import ConvBlock, ReflectedConv2d, UpsampleBlock

EXACT = 1e-4


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def varied(network):
    """A network whose styles and biases are not those of the beginning."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network.eval().requires_grad_(False)


NETWORKS = {
    "itn": lambda: ITN(3, 2),
    "vtn": lambda: VTN(2, 2),
    "gated vtn": lambda: VTN(2, 2, GatedVariant(gate=True)),
    "compact vtn": lambda: CompactVTN(4, 2, GatedVariant(layout=COMPACT_LAYOUT, gate=True)),
    "linear output": lambda: ITN(2, 2, Variant(output="linear")),
    "Johnson's layers": lambda: ITN(2, 2, Variant(norm="batch", upsampling="transposed")),
}


@pytest.mark.parametrize("kernel", [1, 3, 9])
def test_a_convolution_in_cells_gives_the_pixels_of_the_plain_one(kernel):
    x, weight, bias = torch.randn(2, 5, 20, 24), torch.randn(3, 5, kernel, kernel), torch.randn(3)
    wide = F.pad(x, (kernel // 2,) * 4)
    folded = interleave(F.conv2d(wide, *cell_kernels(weight, bias), stride=2))
    torch.testing.assert_close(folded, F.conv2d(wide, weight, bias), atol=EXACT, rtol=0)


def test_an_enlarged_convolution_is_one_of_the_small_map():
    x, weight, bias = torch.randn(2, 5, 7, 9), torch.randn(4, 5, 3, 3), torch.randn(4)
    small = F.conv2d(F.pad(x, (1,) * 4, mode="replicate"), *enlarged_kernels(weight, bias))
    large = F.pad(F.interpolate(x, scale_factor=2, mode="nearest"), (1,) * 4, mode="reflect")
    folded = interleave(small)[..., 1:-1, 1:-1]
    torch.testing.assert_close(folded, F.conv2d(large, weight, bias), atol=EXACT, rtol=0)


@pytest.mark.parametrize("size", [(48, 64), (45, 63), (46, 61)])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_folded_network_gives_the_picture_of_the_plain_one(name, size):
    network, mix = varied(NETWORKS[name]()), torch.tensor([[0.3, 0.7]])
    x = torch.rand(1, network.inputs, *size) * 2 - 1
    plain = network.stylize(WholeFrame(mix), [x])
    folded = network.stylize(FoldedFrame(network, mix, torch.float32), [x])
    torch.testing.assert_close(folded, plain, atol=1e-3, rtol=0)
    assert (folded - plain).abs().mean() < 1e-5
    assert plain.std() > 0.02


def test_several_frames_at_once_are_normed_one_by_one():
    network, mix = varied(ITN(2)), torch.ones(1, 1)
    run, x = FoldedFrame(network, mix, torch.float32), torch.rand(2, 3, 40, 40)
    both = network.stylize(run, [x])
    alone = torch.cat([network.stylize(run, [each[None]]) for each in x])
    torch.testing.assert_close(both, alone, atol=1e-3, rtol=0)


def test_a_map_that_is_given_is_not_changed():
    network = varied(ITN(2))
    run, x = FoldedFrame(network, torch.ones(1, 1), torch.float32), torch.rand(1, 8, 24, 24)
    before = x.clone()
    run.residual(network.residual[0], x)
    run.block(network.up[0], x)
    run.cast(x, torch.float32)
    assert torch.equal(x, before)


def test_kernels_are_rounded_after_they_are_summed():
    network = varied(ITN(4))
    run = FoldedFrame(copy.deepcopy(network), torch.ones(1, 1), torch.bfloat16)
    weight, _ = enlarged_kernels(network.up[0].conv.weight, network.up[0].conv.bias)
    found = [each.weight for each in run._kernels.values() if each.weight.shape == weight.shape]
    assert any(torch.equal(each, weight.bfloat16()) for each in found)


class Doubled(ReflectedConv2d):
    """A layer of another package."""

    def forward(self, x):
        return 2 * super().forward(x)


class DoubledBlock(UpsampleBlock):
    """The same as a block."""

    def project(self, x):
        return 2 * super().project(x)


def test_layers_that_are_not_known_run_as_they_are():
    network, mix = varied(ITN(2)), torch.ones(1, 1)
    network.last, network.up[1] = Doubled(2, 3, 9), DoubledBlock(4, 2, 3)
    network.down[0] = ConvBlock(3, 2, 9)
    network.down[0].conv = Doubled(3, 2, 9)
    varied(network)
    x = torch.rand(1, 3, 40, 40)
    plain = network.stylize(WholeFrame(mix), [x])
    folded = network.stylize(FoldedFrame(network, mix, torch.float32), [x])
    torch.testing.assert_close(folded, plain, atol=1e-3, rtol=0)
