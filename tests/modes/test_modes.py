from fractions import Fraction

import pytest
import torch
from vst.modes.base import StatelessMode
from vst.modes.painter import Painter

from vst.errors import UsageError
from vst.frame import Frame, Motion
from vst.modes import MODES, create_mode
from vst.modes.video import VtnMode
from vst.nn import VTN
from vst.nn.body import Variant


def frames(count, height=24, width=32):
    generator = torch.Generator().manual_seed(1)
    return [
        Frame(i, Fraction(i, 25), Fraction(1, 25), torch.rand(3, height, width, generator=generator))
        for i in range(count)
    ]


def still(*distances, height=24, width=32):
    return {d: Motion(torch.zeros(2, height, width), torch.ones(1, height, width), d) for d in distances}


@pytest.fixture
def make(tiny_weights):
    return lambda name, style="red", **options: create_mode(
        name, style, weights_dir=tiny_weights, **options
    )


def test_each_mode_describes_itself_in_one_line():
    for entry in MODES.values():
        assert entry.description
        assert "\n" not in entry.description


@pytest.mark.parametrize("name", MODES)
@pytest.mark.parametrize("size", [(24, 32), (25, 39), (9, 40)])
def test_a_painting_has_the_frames_size_and_range(make, name, size):
    painted = make(name).step(frames(1, *size)[0], {})
    assert painted.shape == (3, *size)
    assert painted.dtype == torch.float32
    assert painted.min() >= 0
    assert painted.max() <= 1


@pytest.mark.parametrize("name", ["itn", "reconet"])
def test_a_mode_without_state_paints_a_batch_as_it_paints_one_by_one(make, name):
    mode = make(name)
    assert isinstance(mode, StatelessMode)
    clip = frames(3)
    for together, alone in zip(
        mode.step_batch(clip), [mode.step(frame, {}) for frame in clip], strict=True
    ):
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_vtn_looks_at_the_past_until_it_is_reset(make):
    mode = make("vtn")
    first, second = frames(2)
    alone = mode.step(second, {})
    mode.reset()
    mode.step(first, {})
    continued = mode.step(second, still(1))
    assert not torch.equal(continued, alone)
    mode.reset()
    assert torch.equal(mode.step(second, {}), alone)


def test_lstm_asks_for_no_motion_and_remembers_until_it_is_reset(make):
    mode = make("lstm")
    assert mode.distances == ()
    assert not isinstance(mode, StatelessMode)
    first, second = frames(2)
    alone = mode.step(second, {})
    mode.reset()
    mode.step(first, {})
    assert not torch.equal(mode.step(second, {}), alone)
    mode.reset()
    assert torch.equal(mode.step(second, {}), alone)


@pytest.mark.parametrize("size", [(3, 40), (1, 1), (18, 22)])
def test_lstm_goes_on_in_tiny_frames(make, size):
    mode = make("lstm")
    for frame in frames(3, *size):
        assert mode.step(frame, {}).shape == (3, *size)


def test_what_an_lstm_snapshot_holds_is_not_changed_by_later_steps(make):
    mode, clip = make("lstm"), frames(4)
    assert mode.snapshot() == ()
    mode.step(clip[0], {})
    state = mode.snapshot()
    kept = [part.clone() for part in state]
    next_ = mode.step(clip[1], {})
    mode.step(clip[2], {})
    assert all(torch.equal(a, b) for a, b in zip(state, kept, strict=True))
    mode.restore(state)
    assert torch.equal(mode.step(clip[1], {}), next_)
    mode.restore(())
    assert torch.equal(mode.step(clip[3], {}), make("lstm").step(clip[3], {}))


def test_vtn_remembers_through_an_occlusion(make):
    mode = make("vtn")
    clip = frames(4)

    def last(far):
        mode.reset()
        for frame in clip[:3]:
            mode.step(frame, {})
        hidden = Motion(torch.zeros(2, 24, 32), torch.zeros(1, 24, 32), 1)
        return mode.step(clip[3], {1: hidden, **(still(2) if far else {})})

    assert not torch.equal(last(far=True), last(far=False))


@pytest.mark.parametrize("name", MODES)
def test_a_snapshot_takes_up_exactly_where_it_was_taken(make, name):
    mode, clip = make(name), frames(6)

    def motions(i):
        return still(*(d for d in (1, 2, 4) if d <= i))

    for i in range(3):
        mode.step(clip[i], motions(i))
    state = mode.snapshot()
    straight = [mode.step(clip[i], motions(i)) for i in range(3, 6)]
    other = make(name)
    other.restore(state)
    again = [other.step(clip[i], motions(i)) for i in range(3, 6)]
    assert all(torch.equal(a, b) for a, b in zip(straight, again, strict=True))


def test_a_blend_is_neither_of_its_styles(make):
    frame = frames(1)[0]
    red, blue, both = (make("itn", style).step(frame, {}) for style in ("red", "blue", "red:0.5+blue:0.5"))
    assert not torch.allclose(both, red, atol=1e-3)
    assert not torch.allclose(both, blue, atol=1e-3)
    assert torch.equal(make("itn", "red:2").step(frame, {}), red)


def test_bf16_paints_nearly_what_fp32_paints(make):
    frame = frames(1, 48, 48)[0]
    exact, quick = make("itn").step(frame, {}), make("itn", precision=torch.bfloat16).step(frame, {})
    assert float((exact - quick).abs().mean()) < 0.02


def test_a_mistyped_mode_or_style_gets_the_nearest_name(make):
    with pytest.raises(UsageError, match="did you mean 'vtn'"):
        make("vnt")
    with pytest.raises(UsageError, match="did you mean 'blue'"):
        make("itn", "bleu")


class Recorder(VTN):
    """A network that paints nothing and notes where it is told to paint anew."""

    def __init__(self, gated=True):
        super().__init__(2, variant=Variant(gate=gated))
        self.fresh = []

    def forward(self, x, mix, fresh=None):
        self.fresh.append(None if fresh is None else fresh.mean().item())
        return x[:, :3]


@pytest.mark.parametrize(("speed", "renewed"), [(0.5, True), (0.0, False), (2.0, False)])
def test_a_network_is_told_where_paint_is_worn(speed, renewed):
    network = Recorder()
    mode = VtnMode(Painter(network, [1.0], torch.device("cpu"), torch.float32))
    motion = Motion(torch.full((2, 60, 80), speed), torch.ones(1, 60, 80), 1)
    for t, frame in enumerate(frames(20, 60, 80)):
        mode.step(frame, {1: motion} if t else {})
    assert any(network.fresh) == renewed
    assert not any(network.fresh[:5])


def test_a_network_that_keeps_no_paint_is_told_nothing_of_wear():
    network = Recorder(gated=False)
    mode = VtnMode(Painter(network, [1.0], torch.device("cpu"), torch.float32))
    motion = Motion(torch.full((2, 60, 80), 0.5), torch.ones(1, 60, 80), 1)
    for t, frame in enumerate(frames(20, 60, 80)):
        mode.step(frame, {1: motion} if t else {})
    assert network.fresh == [None] * 20
