"""A wider network starts with the output of the narrower one."""

import pytest
import torch

from vst.modes.itn.network import ITN
from vst.modes.vtn.network import VTN
from vst.nn.body import GatedVariant
from vst.nn.style_parameters import one_style
from vst.nn.widen import widen


def lively(network):
    """Scales and shifts of its own for each style, so that a mistake in them shows."""
    with torch.no_grad():
        for norm in network.norms():
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.normal_(0, 0.2)
    return network.eval()


@pytest.mark.parametrize(
    "network",
    [
        lambda: ITN(3, styles=2),
        lambda: VTN(2, styles=2, variant=GatedVariant(2, gate=True)),
        lambda: VTN(2, styles=2, variant=GatedVariant(1, "batch", "transposed", "linear")),
    ],
)
@pytest.mark.parametrize("times", [1, 2, 3])
def test_without_noise_a_wider_network_gives_the_same(network, times):
    torch.manual_seed(0)
    narrow = lively(network())
    frames, mix = torch.randn(2, narrow.inputs, 24, 28), one_style(1, 2)
    wide = widen(narrow, narrow.width * times, noise=0.0).eval()
    assert wide.width == narrow.width * times
    with torch.no_grad():
        torch.testing.assert_close(wide(frames, mix), narrow(frames, mix), atol=2e-5, rtol=1e-4)


def test_twins_differ_and_give_nearly_the_same():
    torch.manual_seed(0)
    narrow = lively(ITN(4))
    frames = torch.randn(1, 3, 32, 32)
    wide = widen(narrow, 8).eval()
    weight = wide.residual[0].first.conv.weight
    assert not torch.allclose(weight[:16], weight[16:], rtol=0.01)
    with torch.no_grad():
        change = (wide(frames) - narrow(frames)).square().mean().sqrt()
    assert 0 < change < 0.1


def test_a_width_that_is_no_multiple_is_refused():
    with pytest.raises(ValueError, match="multiple of 4"):
        widen(ITN(4), 6)
