import pytest
import torch

from vst.modes.itn.network import ITN
from vst.modes.reconet.network import ReCoNet
from vst.nn.body import TABLE_4_1
from vst.nn.executor import WholeFrame
from vst.nn.style_parameters import one_style


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def test_it_has_four_residual_blocks_where_the_shared_body_has_five():
    block = 2 * (9 * 128 * 128 + 128) + 2 * 2 * 128
    assert parameters(ReCoNet(32)) == 1_679_235 - block
    assert len(ReCoNet(2).residual) == 4
    assert parameters(ReCoNet(32, variant=TABLE_4_1)) == 1_679_235


@pytest.mark.parametrize("size", [(16, 16), (33, 47), (64, 40)])
def test_features_are_a_quarter_of_the_frame_and_the_output_is_the_same(size):
    torch.manual_seed(0)
    network, frames, mix = ReCoNet(4, styles=2), torch.randn(2, 3, *size), one_style(1, 2)
    stylized, features = network.with_features(frames, mix)
    assert features.shape == (2, 16, -(-size[0] // 4), -(-size[1] // 4))
    assert torch.equal(stylized, network(frames, mix))
    assert stylized.shape == frames.shape


def test_the_encoder_and_decoder_together_are_the_network():
    torch.manual_seed(0)
    network, frame, mix = ReCoNet(2), torch.randn(1, 3, 24, 24), one_style(0, 1)
    stylized, features = network.with_features(frame)
    decoded = network.decode(WholeFrame(mix), features, (24, 24))
    assert torch.equal(network.activate(network.last(decoded)), stylized)


def test_it_takes_the_first_residual_blocks_of_an_itn():
    torch.manual_seed(0)
    still, network = ITN(4, styles=2), ReCoNet(4, styles=2)
    network.start_from(still)
    frame, mix = torch.randn(1, 3, 24, 24), one_style(1, 2)
    del still.residual[4]
    assert torch.equal(network(frame, mix), still(frame, mix))
