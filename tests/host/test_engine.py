"""A stylized frame depends on the source frames and the parameters, and on nothing else."""

from __future__ import annotations

import random

import pytest
import torch

from tests.host.conftest import CUT, FRAMES, with_changes
from vst.colour_modes import KEEP
from vst.errors import UsageError, VstError
from vst.host.engine import Engine
from vst.host.session_pool import check_mode_for_editors
from vst.postprocess import Postprocess


@pytest.mark.parametrize("mode", ["itn", "vtn"])
def test_frames_in_order_equal_those_of_a_render(make_host, rendered, clip, mode):
    host = make_host(mode)
    for number, expected in enumerate(rendered(clip, mode)):
        assert torch.equal(host.stylize(number), expected), number


def test_any_order_and_any_plugin_instance_give_the_same_frames(make_host, rendered, clip):
    expected = rendered(clip, "vtn")
    order = list(range(FRAMES))
    random.Random(5).shuffle(order)
    host = make_host()
    for number in order:
        assert torch.equal(host.stylize(number), expected[number]), number
    for number in [3, 3, 2, 11, 0, 13]:
        assert torch.equal(host.stylize(number, run=f"instance {number}"), expected[number]), number


def test_a_frame_that_is_cached_is_not_stylized_again(make_host):
    host = make_host()
    first, image = host.request_frame(4)
    second, again = host.request_frame(4)
    assert first.seconds > 0
    assert second.seconds == 0
    assert torch.equal(image, again)


def test_without_look_ahead_a_frame_in_order_fetches_itself_the_one_before_and_one_ahead(make_host):
    host = make_host()
    for number in range(4):
        host.stylize(number, look_ahead=False)
    host.fetched.clear()
    host.stylize(4, look_ahead=False)
    assert sorted(host.fetched) == [3, 4, 6]


def test_a_mode_without_temporal_state_fetches_only_the_requested_frame(make_host):
    host = make_host("itn")
    host.stylize(6)
    assert host.fetched == [6]


def test_a_changed_frame_changes_only_frames_of_its_shot_that_depend_on_it(make_host, rendered, clip):
    before = rendered(clip, "vtn")
    regraded = [*clip]
    regraded[3] = clip[3] * 0.8
    after = rendered(regraded, "vtn")
    host = make_host()
    for number in range(FRAMES):
        host.stylize(number)
    host.clip = regraded
    for number in (10, 5, 3, 2, 6, 12):
        expected = after[number]
        assert torch.equal(host.stylize(number), expected), number
        assert torch.equal(expected, before[number]) == (number not in range(1, CUT))


def test_a_change_of_the_previous_frame_is_noticed_by_the_next_request(make_host, rendered, clip):
    host = make_host()
    for number in range(5):
        host.stylize(number)
    host.clip = [*clip]
    host.clip[4] = clip[4].flip(-1)
    assert torch.equal(host.stylize(5), rendered(host.clip, "vtn")[5])


def test_changed_parameters_give_the_frames_of_a_render_with_them(make_host, rendered, clip):
    host = make_host()
    for number in range(4):
        host.stylize(number)
    postprocess = Postprocess(0.5, KEEP)
    assert torch.equal(
        host.stylize(4, strength=0.5, keep_color=True), rendered(clip, "vtn", postprocess=postprocess)[4]
    )
    assert torch.equal(
        host.stylize(5, style_scale=12.0 / 0.48 / 3.0), rendered(clip, "vtn", style_scale=12 / 0.48 / 3)[5]
    )
    assert torch.equal(host.stylize(6), rendered(clip, "vtn")[6])


def test_a_cache_that_is_too_small_does_not_change_pixels(make_host, rendered, clip):
    host = make_host()
    host.engine = Engine(limit=1)
    expected = rendered(clip, "vtn")
    for number in (6, 2, 3, 13):
        assert torch.equal(host.stylize(number), expected[number]), number


def test_a_missing_frame_starts_a_new_shot_after_it(make_host, rendered, clip):
    host = make_host()
    fetch = host.fetch
    host.fetch = lambda index, slot: None if index == 2 else fetch(index, slot)
    assert torch.equal(host.stylize(4), rendered(clip[3:CUT], "vtn")[1])


def test_interactive_frames_are_approximate_and_renders_are_exact(make_host, rendered, clip):
    host = make_host()
    interactive, image = host.request_frame(CUT - 1, interactive=True, limit=2)
    rendered_frame, exact = host.request_frame(CUT - 1)
    assert interactive.approximate
    assert not rendered_frame.approximate
    assert torch.equal(exact, rendered(clip, "vtn")[CUT - 1])
    assert torch.equal(image, rendered(clip[CUT - 3 : CUT], "vtn", look_ahead=False)[2])
    again, _ = host.request_frame(CUT - 1, interactive=True, limit=2)
    assert not again.approximate


def test_the_frame_after_an_approximate_frame_takes_one_step(make_host):
    host = make_host()
    host.request_frame(4, interactive=True, limit=2)
    steps: list[tuple[int, int]] = []
    host.engine.stylize(
        with_changes(host.request, time=5.0, interactive=True, limit=2),
        host,
        host.frames,
        lambda done, total: steps.append((done, total)),
    )
    assert steps == []


def test_scene_linear_frames_are_stylized_as_display_referred_frames(make_host, clip):
    from vst.host.linear_light import to_display, to_linear

    display = make_host()
    linear = make_host(frames=[to_linear(each) for each in clip])
    stylized = to_display(linear.stylize(3, linear=True))
    assert (stylized - display.stylize(3)).abs().max() < 0.02


@pytest.mark.parametrize(
    "invalid", [{"style": "rd"}, {"mode": "vtm"}, {"device": "gpu"}, {"strength": 1.5}]
)
def test_invalid_settings_are_refused_in_one_line(make_host, invalid):
    with pytest.raises(UsageError) as error:
        make_host().stylize(0, **invalid)
    assert "\n" not in str(error.value)


def test_a_source_that_changes_at_every_fetch_is_refused(make_host):
    host = make_host()
    host.engine = Engine(limit=1)  # so that frames are fetched more than once
    fetch, count = host.fetch, iter(range(1000))
    host.fetch = lambda index, slot: fetch(index, slot) and str(next(count)).encode()
    with pytest.raises(VstError, match="no longer changes"):
        host.stylize(3)


def test_a_timeline_is_refused_with_a_word_on_where_it_belongs(make_host):
    with pytest.raises(UsageError, match=r"over time, for 'vst render'"):
        make_host().stylize(0, style="0s:red 5s:blue")


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("ruder", "mode ruder needs all frames of a shot at once, which editors do not give"),
        ("gatys", "mode gatys takes minutes for a frame: choose a mode with a network"),
        ("rudder", "unknown mode 'rudder': did you mean 'ruder'"),
    ],
)
def test_modes_that_editors_cannot_have_are_refused_in_one_line(mode, message):
    with pytest.raises(UsageError, match=message) as error:
        check_mode_for_editors(mode)
    assert "\n" not in str(error.value)
