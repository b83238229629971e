"""A frame in tiles is stylized as a whole one is."""

from __future__ import annotations

import pytest
import torch

from vst.errors import VstError
from vst.modes.itn.network import ITN, CompactITN
from vst.modes.lstm.network import LSTM, LstmVariant
from vst.modes.reconet.network import ReCoNet
from vst.modes.vtn.network import VTN, CompactVTN
from vst.nn.body import GatedVariant, Variant
from vst.nn.maps import tiles
from vst.nn.moments import Moments
from vst.nn.style_parameters import one_style
from vst.nn.tiled import Tiled

CLOSE = 1 / 255 / 20
"""Of −1..1: a fortieth of a code value."""


def ready(network):
    """A network whose norms and gates do something, as it is used when nothing is trained."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for norm in network.norms():
            norm.weight.add_(torch.rand(norm.weight.shape, generator=generator))
            norm.bias.add_(torch.randn(norm.bias.shape, generator=generator) / 4)
        network.last.bias.add_(torch.randn(network.last.bias.shape, generator=generator))
    return network.eval()


def picture(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    # Smooth from left to right, so that a tile's own statistics would be quite others than the whole's.
    return (torch.rand(shape, generator=generator) * torch.linspace(0, 2, shape[-1])).sub_(1)


@pytest.fixture(autouse=True)
def same_weights():
    torch.manual_seed(0)


@pytest.mark.parametrize("size", [(64, 96), (67, 93), (50, 131)])
@pytest.mark.parametrize("network", [ITN, CompactITN, ReCoNet])
def test_six_tiles_and_more_give_the_output_of_the_whole_frame(network, size):
    network, x = ready(network(4)), picture(1, 3, *size)
    assert len(list(tiles(size, 32))) >= 6
    with torch.no_grad():
        whole = network(x)
    mix = one_style(0, 1)
    torch.testing.assert_close(network.stylize(Tiled(mix, 32), [x]), whole, atol=CLOSE, rtol=0)


@pytest.mark.parametrize(("kind", "layout"), [(VTN, "table-4.1"), (CompactVTN, "compact")])
def test_the_gate_keeps_the_past_in_every_tile(kind, layout):
    network = ready(kind(4, styles=2, variant=GatedVariant(layout=layout, gate=True)))
    mix = torch.tensor([[0.3, 0.7]])
    frame, past = picture(1, 3, 70, 90), picture(1, 3, 70, 90, seed=1)
    mask = picture(1, 1, 70, 90, seed=2) > 0
    planes = [frame, past, mask.float()]
    with torch.no_grad():
        whole = network(torch.cat(planes, 1), mix)
    stylized = network.stylize(Tiled(mix, 32), planes)
    torch.testing.assert_close(stylized, whole, atol=CLOSE, rtol=0)
    unlike = network.stylize(Tiled(mix, 32), [frame, past, 0 * planes[2]])
    assert (unlike - whole).abs().max() > 0.01


@pytest.mark.parametrize(
    "variant",
    [
        LstmVariant(),
        LstmVariant(gate=True),
        LstmVariant(gate=True, motion=False, upsampling="transposed"),
        LstmVariant(blocks=0),
    ],
)
def test_a_memory_continues_in_tiles_as_in_whole_frames(variant):
    network = ready(LSTM(4, variant=variant))
    mix = one_style(0, 1)
    whole = parts = None
    for seed in range(3):
        frame = picture(1, 3, 66, 95, seed=seed)
        with torch.no_grad():
            stylized, whole = network.step(frame, whole, mix)
        in_tiles, parts = network.advance(Tiled(mix, 32), frame, parts)
        torch.testing.assert_close(in_tiles, stylized, atol=CLOSE, rtol=0)
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(other, one, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    "variant",
    [Variant(norm="batch"), Variant(upsampling="transposed"), Variant(output="linear"), Variant(blocks=0)],
)
def test_every_variant_can_be_tiled(variant):
    network, x = ready(ITN(4, variant=variant)), picture(1, 3, 61, 90)
    with torch.no_grad():
        whole = network(x)
    torch.testing.assert_close(network.stylize(Tiled(one_style(0, 1), 32), [x]), whole, atol=CLOSE, rtol=0)


def test_each_picture_of_a_batch_has_its_own_statistics():
    network, x = ready(ITN(4)), torch.cat([picture(1, 3, 48, 64), picture(1, 3, 48, 64, seed=5) / 3])
    with torch.no_grad():
        whole = network(x)
    torch.testing.assert_close(network.stylize(Tiled(one_style(0, 1), 24), [x]), whole, atol=CLOSE, rtol=0)


def test_tiles_refuse_what_whole_frames_refuse():
    with pytest.raises(VstError, match="got an input of 3 channels; this network takes 7"):
        VTN(4).stylize(Tiled(one_style(0, 1), 32), [torch.zeros(1, 3, 32, 32)])


def test_tiles_cover_a_map_once_and_are_no_longer_than_asked_for():
    seen = torch.zeros(1, 1, 37, 101)
    for box in tiles((37, 101), 20):
        part = box.of(seen)
        assert max(part.shape) <= 20
        part += 1
    assert (seen == 1).all()


def test_moments_of_parts_are_those_of_the_whole_even_far_from_zero():
    x = picture(2, 3, 40, 60) * 0.01 + 1000
    moments = Moments.of(box.of(x) for box in tiles((40, 60), 17))
    mean, variance = moments.result()
    wanted = x.double().var(dim=(2, 3), correction=0, keepdim=True)
    torch.testing.assert_close(mean.double(), x.double().mean((2, 3), keepdim=True), atol=1e-3, rtol=0)
    torch.testing.assert_close(variance.double(), wanted, atol=0, rtol=0.02)
    with pytest.raises(ValueError, match="moments of nothing"):
        Moments().result()
