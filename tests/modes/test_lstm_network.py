import pytest
import torch

from vst.errors import VstError
from vst.modes.itn.network import ITN
from vst.modes.lstm.network import LSTM, AnchoredConvLSTM, LstmState, LstmVariant, change
from vst.modes.vtn.network import VTN
from vst.nn.executor import WholeFrame
from vst.nn.style_parameters import one_style


def shot(count, height=24, width=28, batch=1):
    random = torch.Generator().manual_seed(7)
    return torch.rand(count, batch, 3, height, width, generator=random) * 2 - 1


def encode(network, frame, styles):
    return network.encode(WholeFrame(one_style(0, styles)), frame)


def stylize(network, frames, mix=None):
    outputs, state = [], None
    for frame in frames:
        output, state = network.step(frame, state, mix)
        outputs.append(output)
    return outputs, state


def loud(layer, seed=0):
    """Weights so large that gates are open here and shut there."""
    torch.manual_seed(seed)
    with torch.no_grad():
        layer.weight.normal_(std=0.3)


@pytest.fixture
def network():
    torch.manual_seed(0)
    made = LSTM(4, styles=2, variant=LstmVariant(gate=True)).eval()
    loud(made.memory.gates)
    loud(made.keep)
    return made


def test_the_memory_has_the_layers_that_are_documented():
    count = sum(p.numel() for p in LSTM(32).parameters())
    w, c = 32, 128
    past = (81 * 9 + 1) * w + (9 * w + 1) * 2 * w + (9 * 2 * w + 1) * c
    memory = (9 * 3 * c + 1) * c + (25 * c + 1) * 3 * c + c
    assert count == 1_679_235 + past + memory
    gated = sum(p.numel() for p in LSTM(32, variant=LstmVariant(gate=True)).parameters())
    assert gated - count == 9 * 2 * w + 1 + 3
    plain = sum(p.numel() for p in LSTM(32, variant=LstmVariant(motion=False)).parameters())
    assert count - plain == 81 * 6 * w


@pytest.mark.parametrize("size", [(16, 16), (17, 21), (33, 47), (24, 40)])
def test_any_size_is_kept_throughout_a_shot(network, size):
    outputs, state = stylize(network, shot(3, *size, batch=2), one_style(1, 2))
    assert all(output.shape == (2, 3, *size) and output.abs().max() <= 1 for output in outputs)
    quarter = [-(-side // 4) for side in size]
    assert state.cell.shape == state.hidden.shape == (2, 16, *quarter)
    assert torch.equal(state.stylized, outputs[-1])


def test_a_frame_too_small_is_refused(network):
    with pytest.raises(VstError, match="12×40"):
        network.step(torch.zeros(1, 3, 40, 12), None)


def test_the_first_frame_is_stylized_as_by_an_itn_and_the_next_nearly():
    torch.manual_seed(0)
    still, network = ITN(4, styles=2), LSTM(4, styles=2, variant=LstmVariant(gate=True))
    network.start_from(still)
    frames, mix = shot(2), one_style(1, 2)
    outputs, _ = stylize(network, frames, mix)
    assert torch.equal(outputs[0], still(frames[0], mix))
    apart = (outputs[1] - still(frames[1], mix)).abs().mean()
    assert 0 < apart < 0.1 * (outputs[1] - outputs[0]).abs().mean()


def test_networks_that_start_from_an_lstm_give_its_first_frames(network):
    frame, mix = shot(1)[0], one_style(1, 2)
    still, video = ITN(4, styles=2), VTN(4, styles=2)
    still.start_from(network)
    video.start_from(network)
    stylized = network(frame, mix)
    torch.testing.assert_close(still(frame, mix), stylized)
    past, mask = torch.rand(1, 3, 24, 28), torch.ones(1, 1, 24, 28)
    torch.testing.assert_close(video.stylize_next(frame, past, mask, mix), stylized)


def test_earlier_frames_matter(network):
    frames = shot(3)
    outputs, _ = stylize(network, frames)
    late, _ = stylize(network, frames[1:])
    assert (outputs[2] - late[1]).abs().max() > 1e-3


def test_a_memory_that_keeps_all_it_may_fades_by_its_anchor():
    torch.manual_seed(0)
    memory = AnchoredConvLSTM(4, anchor=0.2)
    with torch.no_grad():
        memory.gates.weight.zero_()
        memory.gates.bias[:8] = 100.0  # hold everything, show everything
    x, past = torch.randn(1, 4, 6, 6), torch.randn(1, 4, 6, 6)
    cell = hidden = x + 5
    for n in range(1, 12):
        cell, hidden = memory(x, past, cell, hidden)
        torch.testing.assert_close(cell - x, torch.full_like(x, 5 * 0.8**n), atol=1e-4, rtol=1e-4)
        assert torch.equal(cell, hidden)


def test_without_an_anchor_a_memory_may_hold_for_ever():
    memory = AnchoredConvLSTM(4, anchor=0.0)
    with torch.no_grad():
        memory.gates.weight.zero_()
        memory.gates.bias[:8] = 100.0
    x, old = torch.randn(1, 4, 6, 6), torch.randn(1, 4, 6, 6)
    cell = hidden = old
    for _ in range(50):
        cell, hidden = memory(x, x, cell, hidden)
    assert torch.equal(hidden, old)


def test_a_state_stays_in_the_range_of_what_was_seen_however_long_the_shot(network):
    state, seen = None, 0.0
    with torch.no_grad():
        for frame in shot(60):
            seen = max(seen, float(encode(network, frame, 2).abs().max()))
            _, state = network.step(frame, state)
    bound = seen + float(network.memory.swing.detach().abs().max())
    assert float(state.cell.abs().max()) <= bound
    assert float(state.hidden.abs().max()) <= bound


def test_the_gate_keeps_of_the_last_stylized_what_the_anchor_leaves():
    torch.manual_seed(0)
    network = LSTM(2, variant=LstmVariant(gate=True, anchor=0.25)).eval()
    frames = shot(2)
    _, state = stylize(network, frames[:1])
    old = torch.rand_like(state.stylized)
    state = state._replace(stylized=old)
    with torch.no_grad():
        network.keep.bias.fill_(-200.0)
        anew, _ = network.step(frames[1], state)
        network.keep.bias.fill_(200.0)
        kept, _ = network.step(frames[1], state)
    torch.testing.assert_close(kept, anew + 0.75 * (old - anew))


def test_an_untrained_gate_keeps_what_stands_still_and_nothing_near_what_moves():
    torch.manual_seed(0)
    network = LSTM(2, variant=LstmVariant(gate=True, anchor=0.0)).eval()
    still = torch.rand(1, 3, 48, 96) - 0.5
    moved = still.clone()
    moved[..., 16:32, 8:24] = still[..., 16:32, 10:26]
    _, state = stylize(network, [still])
    rest = torch.sigmoid(network.at_rest(moved, state))[0, 0].detach()
    assert rest[20:28, 12:20].max() < 0.02
    assert rest[20:28, 28:30].max() < 0.2
    assert rest[:, 60:].min() > 0.8


def test_a_change_of_the_whole_picture_s_light_is_no_change():
    frame = torch.rand(2, 3, 20, 30)
    assert float(change(frame + 0.1, frame).abs().max()) < 1e-6
    brighter = frame.clone()
    brighter[..., :15] += 0.2
    assert float(change(brighter, frame).min()) > 0.09


@pytest.mark.parametrize("motion", [True, False])
def test_only_with_motion_is_the_memory_shown_the_last_frame(motion):
    torch.manual_seed(0)
    network = LSTM(2, variant=LstmVariant(motion=motion)).eval()
    loud(network.memory.gates)
    frames = shot(2)
    _, state = stylize(network, frames[:1])
    other = state._replace(frame=state.frame.flip(-1))
    with torch.no_grad():
        one, two = (network.step(frames[1], each)[0] for each in (state, other))
    assert torch.equal(one, two) is not motion


def test_the_past_is_seen_nineteen_pixels_away():
    torch.manual_seed(0)
    network = LSTM(4).eval()
    loud(network.memory.gates)
    frame = shot(1, 96, 96)[0]
    with torch.no_grad():
        x = encode(network, frame, 1).float()
        changed = []
        for column in range(48, 96):
            cells = []
            for change in (0.0, 1.0):
                stylized = torch.zeros_like(frame)
                stylized[..., 48, column] = change
                state = LstmState(frame, stylized, x, x)
                past = torch.cat(network.past_planes(frame, state), 1)
                _, coarse = network.encode_past(WholeFrame(one_style(0, 1)), past)
                cells.append(network.memory(x, coarse, x, x)[0][..., 12, 12])
            changed.append(not torch.equal(*cells))
    assert changed == [column <= 48 + 19 for column in range(48, 96)]


def test_each_style_has_its_own_memory(network):
    with torch.no_grad():
        for norm in network.norms():
            norm.weight.normal_()
    frames = shot(2)
    one, other = (stylize(network, frames, one_style(index, 2))[0][1] for index in (0, 1))
    assert (one - other).abs().max() > 1e-2


def test_states_are_kept_in_fp32_behind_convolutions_in_bf16(network):
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.to(torch.bfloat16)
    with torch.no_grad():
        _, state = stylize(network, shot(2))
    assert {part.dtype for part in state} == {torch.float32}


def test_every_parameter_learns_from_two_frames():
    torch.manual_seed(0)
    network = LSTM(2, variant=LstmVariant(gate=True))
    outputs, _ = stylize(network, shot(2))
    outputs[1].square().mean().backward()
    for name, parameter in network.named_parameters():
        # A norm takes the bias before it away.
        if not name.endswith("conv.bias"):
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name
