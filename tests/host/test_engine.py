"""What a host gets depends on the frames and the parameters, and on nothing else."""

from __future__ import annotations

import random

import pytest
import torch

from tests.host.conftest import CUT, FRAMES, changed
from vst.errors import UsageError, VstError
from vst.host.engine import Engine
from vst.postprocess import Postprocess


@pytest.mark.parametrize("mode", ["itn", "vtn"])
def test_in_order_frames_are_those_of_a_render(make_host, rendered, clip, mode):
    host = make_host(mode)
    for number, expected in enumerate(rendered(clip, mode)):
        assert torch.equal(host.paint(number), expected), number


def test_any_order_and_any_instance_give_the_same_frames(make_host, rendered, clip):
    expected = rendered(clip, "vtn")
    order = list(range(FRAMES))
    random.Random(5).shuffle(order)
    host = make_host()
    for number in order:
        assert torch.equal(host.paint(number), expected[number]), number
    for number in [3, 3, 2, 11, 0, 13]:
        assert torch.equal(host.paint(number, run=f"instance {number}"), expected[number]), number


def test_a_frame_that_was_painted_is_not_painted_again(make_host):
    host = make_host()
    first, picture = host.ask(4)
    second, again = host.ask(4)
    assert first.seconds > 0
    assert second.seconds == 0
    assert torch.equal(picture, again)


def test_in_order_only_the_frames_around_are_fetched(make_host):
    host = make_host()
    for number in range(4):
        host.paint(number)
    host.fetched.clear()
    host.paint(4)
    assert sorted(host.fetched) == [3, 4, 6]


def test_a_frame_by_itself_needs_no_other(make_host):
    host = make_host("itn")
    host.paint(6)
    assert host.fetched == [6]


def test_a_changed_frame_changes_what_follows_it_in_its_shot_and_nothing_else(make_host, rendered, clip):
    before = rendered(clip, "vtn")
    changed = [*clip]
    changed[3] = clip[3] * 0.8
    after = rendered(changed, "vtn")
    host = make_host()
    for number in range(FRAMES):
        host.paint(number)
    host.clip = changed
    for number in (10, 5, 3, 2, 6, 12):
        expected = after[number]
        assert torch.equal(host.paint(number), expected), number
        assert torch.equal(expected, before[number]) == (not 3 <= number < CUT)


def test_a_frame_changed_in_mid_sequence_is_noticed_at_the_next(make_host, rendered, clip):
    host = make_host()
    for number in range(5):
        host.paint(number)
    host.clip = [*clip]
    host.clip[4] = clip[4].flip(-1)
    assert torch.equal(host.paint(5), rendered(host.clip, "vtn")[5])


def test_parameters_change_in_mid_sequence_as_if_they_had_always_been_so(make_host, rendered, clip):
    host = make_host()
    for number in range(4):
        host.paint(number)
    postprocess = Postprocess(0.5, keep_color=True)
    assert torch.equal(host.paint(4, strength=0.5, keep_color=True), rendered(clip, "vtn", postprocess)[4])
    assert torch.equal(
        host.paint(5, style_scale=12.0 / 0.48 / 3.0), rendered(clip, "vtn", None, 12 / 0.48 / 3)[5]
    )
    assert torch.equal(host.paint(6), rendered(clip, "vtn")[6])


def test_a_cache_too_small_for_anything_changes_no_pixel(make_host, rendered, clip):
    host = make_host()
    host.engine = Engine(limit=1)
    expected = rendered(clip, "vtn")
    for number in (6, 2, 3, 13):
        assert torch.equal(host.paint(number), expected[number]), number


def test_a_missing_frame_ends_the_clip_there(make_host, rendered, clip):
    host = make_host()
    fetch = host.fetch
    host.fetch = lambda index, slot: None if index == 2 else fetch(index, slot)
    assert torch.equal(host.paint(4), rendered(clip[3:CUT], "vtn")[1])


def test_somebody_who_scrubs_waits_for_few_frames_and_a_render_is_whole(make_host, rendered, clip):
    host = make_host()
    quick, picture = host.ask(CUT - 1, interactive=True, limit=2)
    whole, exact = host.ask(CUT - 1)
    assert quick.approximate
    assert not whole.approximate
    assert torch.equal(exact, rendered(clip, "vtn")[CUT - 1])
    assert torch.equal(picture, rendered(clip[CUT - 3 : CUT], "vtn")[2])
    again, _ = host.ask(CUT - 1, interactive=True, limit=2)
    assert not again.approximate


def test_playing_on_from_an_approximate_frame_paints_one_frame_at_a_time(make_host):
    host = make_host()
    host.ask(4, interactive=True, limit=2)
    steps: list[tuple[int, int]] = []
    host.engine.paint(
        changed(host.request, time=5.0, interactive=True, limit=2),
        host,
        host.frames,
        lambda done, of: steps.append((done, of)),
    )
    assert steps == []


def test_light_is_painted_as_its_display_form(make_host, clip):
    from vst.host.linear_light import to_display, to_linear

    display = make_host()
    light = make_host(frames=[to_linear(each) for each in clip])
    painted = to_display(light.paint(3, linear=True))
    assert (painted - display.paint(3)).abs().max() < 0.02


@pytest.mark.parametrize("wrong", [{"style": "rd"}, {"mode": "vtm"}, {"device": "gpu"}, {"strength": 1.5}])
def test_what_cannot_be_meant_is_refused_in_one_line(make_host, wrong):
    with pytest.raises(UsageError) as error:
        make_host().paint(0, **wrong)
    assert "\n" not in str(error.value)


def test_a_source_that_never_stands_still_is_refused(make_host):
    host = make_host()
    host.engine = Engine(limit=1)  # so that frames are fetched more than once
    fetch, count = host.fetch, iter(range(1000))
    host.fetch = lambda index, slot: fetch(index, slot) and str(next(count)).encode()
    with pytest.raises(VstError, match="stands still"):
        host.paint(3)
