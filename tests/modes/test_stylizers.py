"""Each mode's stylizer: sizes, ranges, state."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from vst.errors import UsageError
from vst.frame import Frame, Past
from vst.modes import Stylizer, available_modes, check_mode, create_stylizer
from vst.modes.registry import BUILT_IN
from vst.styles import resolve_style


def frames(count, height=24, width=32):
    generator = torch.Generator().manual_seed(1)
    return [
        Frame(i, Fraction(i, 25), Fraction(1, 25), torch.rand(3, height, width, generator=generator))
        for i in range(count)
    ]


def past(image, trust=1.0):
    mask = torch.full_like(image[:1], trust)
    return Past(image * mask, mask)


@pytest.fixture
def make(tiny_weights):
    def stylizer(name, style="red", **options):
        return create_stylizer(resolve_style(style, name, weights_dir=tiny_weights), **options)

    return stylizer


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_mode_has_a_description_of_one_line_and_a_stylizer(make, name):
    entry, stylizer = available_modes()[name], make(name)
    assert entry.name == name
    assert entry.description
    assert "\n" not in entry.description
    assert isinstance(stylizer, Stylizer)
    assert entry.temporal == (stylizer.conditioned or stylizer.every_frame or stylizer.whole_shot)


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("size", [(24, 32), (25, 39), (9, 40)])
def test_a_stylized_frame_has_the_frames_size_and_the_networks_range(make, name, size):
    stylized = make(name).stylize(frames(1, *size)[0], None)
    assert stylized.shape == (3, *size)
    assert stylized.dtype == torch.float32
    assert stylized.min() >= -1
    assert stylized.max() <= 1
    assert stylized.min() < 0


@pytest.mark.parametrize("name", ["itn", "reconet"])
def test_a_mode_without_state_ignores_the_past(make, name):
    stylizer, clip = make(name), frames(2)
    alone = stylizer.stylize(clip[1], None)
    assert torch.equal(stylizer.stylize(clip[1], past(alone)), alone)
    assert stylizer.snapshot() == ()


def test_vtn_sees_the_past_where_it_is_trusted(make):
    stylizer, (first, second) = make("vtn"), frames(2)
    alone = stylizer.stylize(second, None)
    earlier = stylizer.stylize(first, None)
    assert not torch.equal(stylizer.stylize(second, past(earlier)), alone)
    assert torch.equal(stylizer.stylize(second, past(earlier, trust=0.0)), alone)


def test_lstm_remembers_until_it_is_reset(make):
    stylizer, (first, second) = make("lstm"), frames(2)
    alone = stylizer.stylize(second, None)
    stylizer.reset()
    stylizer.stylize(first, None)
    assert not torch.equal(stylizer.stylize(second, None), alone)
    stylizer.reset()
    assert torch.equal(stylizer.stylize(second, None), alone)


@pytest.mark.parametrize("size", [(3, 40), (1, 1), (18, 22)])
def test_lstm_continues_in_tiny_frames(make, size):
    stylizer = make("lstm")
    for frame in frames(3, *size):
        assert stylizer.stylize(frame, None).shape == (3, *size)


def test_an_lstm_snapshot_is_not_changed_by_later_frames(make):
    stylizer, clip = make("lstm"), frames(4)
    assert stylizer.snapshot() == ()
    stylizer.stylize(clip[0], None)
    state = stylizer.snapshot()
    copies = [part.clone() for part in state]
    following = stylizer.stylize(clip[1], None)
    stylizer.stylize(clip[2], None)
    assert all(torch.equal(a, b) for a, b in zip(state, copies, strict=True))
    stylizer.restore(state)
    assert torch.equal(stylizer.stylize(clip[1], None), following)
    stylizer.restore(())
    assert torch.equal(stylizer.stylize(clip[3], None), make("lstm").stylize(clip[3], None))


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_restored_stylizer_continues_exactly(make, name):
    stylizer, clip = make(name), frames(6)
    for frame in clip[:3]:
        stylizer.stylize(frame, None)
    state = stylizer.snapshot()
    straight = [stylizer.stylize(frame, None) for frame in clip[3:]]
    other = make(name)
    other.restore(state)
    again = [other.stylize(frame, None) for frame in clip[3:]]
    assert all(torch.equal(a, b) for a, b in zip(straight, again, strict=True))


def test_a_blend_is_neither_of_its_styles(make):
    frame = frames(1)[0]
    red, blue, both = (
        make("itn", style).stylize(frame, None) for style in ("red", "blue", "red:0.5+blue:0.5")
    )
    assert not torch.allclose(both, red, atol=2e-3)
    assert not torch.allclose(both, blue, atol=2e-3)
    assert torch.equal(make("itn", "red:2").stylize(frame, None), red)


def test_bf16_is_near_fp32(make):
    frame = frames(1, 48, 48)[0]
    exact = make("itn").stylize(frame, None)
    quick = make("itn", precision=torch.bfloat16).stylize(frame, None)
    assert float((exact - quick).abs().mean()) < 0.04


def test_a_mistyped_mode_or_style_gets_the_nearest_name(make):
    with pytest.raises(UsageError, match="did you mean 'vtn'"):
        check_mode("vnt")
    with pytest.raises(UsageError, match="did you mean 'blue'"):
        make("itn", "bleu")
