"""With look-ahead a host gets the frames that `vst render` gives by default, in any order of requests."""

from __future__ import annotations

import logging
import random

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from tests.host.conftest import CUT, FRAMES, pan_with_disc, with_changes
from vst.errors import UsageError
from vst.host.engine import Engine
from vst.host.session_pool import AUTO_INTERVAL, automatic_interval
from vst.keyframes import Schedule
from vst.modes.vtn.stylizer import VtnStylizer

LONG = 20


def tensors(pictures: list[np.ndarray]) -> list[Tensor]:
    return [torch.from_numpy(each).permute(2, 0, 1).float() / 255 for each in pictures]


@pytest.fixture
def one_shot() -> list[Tensor]:
    """Twenty frames without a cut."""
    return tensors([pan_with_disc(number, cut=99) for number in range(LONG)])


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collects the index of the frame of each run of the network, in the clip or in its shot."""
    positions: list[int] = []
    stylize = VtnStylizer.stylize

    def counted(self, frame, past):
        positions.append(frame.index)
        return stylize(self, frame, past)

    monkeypatch.setattr(VtnStylizer, "stylize", counted)
    return positions


def assert_equal(host, expected: list[Tensor], numbers, **changes: object) -> None:
    for number in numbers:
        outcome, image = host.request_frame(number, **changes)
        assert not outcome.approximate
        assert torch.equal(image, expected[number]), number


def shuffled(count: int, seed: int = 1) -> list[int]:
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return order


@pytest.mark.parametrize("interval", [1, 2, 3, 5, 8, 16])
def test_any_interval_and_order_gives_the_frames_of_a_render(make_host, rendered, clip, interval):
    expected = rendered(clip, "vtn", interval=interval)
    host = make_host()
    assert_equal(host, expected, shuffled(FRAMES, interval), keyframe_interval=interval)
    assert_equal(host, expected, range(FRAMES - 1, -1, -1), keyframe_interval=interval, run="another")
    host.engine.purge()
    assert_equal(host, expected, [CUT - 1, CUT, 0, FRAMES - 1], keyframe_interval=interval)


def test_two_instances_in_turn_give_the_frames_of_a_render(make_host, rendered, clip, one_shot):
    host, other = make_host(), make_host(frames=one_shot)
    other.engine = host.engine
    expected = rendered(clip, "vtn"), rendered(one_shot, "vtn")
    for number in range(FRAMES):
        assert_equal(host, expected[0], [number], run="one")
        assert_equal(other, expected[1], [number + 3], run="two")


@pytest.mark.parametrize("mode", ["itn", "reconet"])
def test_an_interval_propagates_keyframes_in_modes_without_a_past_too(make_host, rendered, clip, mode):
    expected = rendered(clip, mode, interval=4)
    assert not torch.equal(expected[2], rendered(clip, mode)[2])
    assert_equal(make_host(mode), expected, shuffled(FRAMES), keyframe_interval=4)


def test_without_look_ahead_frames_are_those_of_a_render_without(make_host, rendered, clip):
    expected = rendered(clip, "vtn", interval=4, look_ahead=False)
    assert not torch.equal(expected[2], rendered(clip, "vtn", interval=4)[2])
    host = make_host()
    assert_equal(host, rendered(clip, "vtn", interval=4), [2, 9], keyframe_interval=4)
    assert_equal(host, expected, shuffled(FRAMES), keyframe_interval=4, look_ahead=False)


def test_a_mode_that_needs_every_frame_refuses_an_interval(make_host):
    with pytest.raises(UsageError, match="expected --keyframe-interval 1"):
        make_host("lstm").stylize(0, keyframe_interval=4)


@pytest.mark.parametrize("rate", [6, 12, 30, 60])
def test_auto_is_that_of_a_render_where_the_frame_rate_is_known(make_host, rendered, one_shot, rate):
    expected = rendered(one_shot, "vtn", rate=rate)
    assert_equal(make_host(frames=one_shot), expected, [LONG - 1, 3, 4, 12], frame_rate=float(rate))


@pytest.mark.parametrize("rate", [23.976, 29.97, 29.97002997002997, 59.94, 1, 0.5, 0.25, 1000])
def test_the_interval_follows_the_frame_rate_as_in_a_render(rate):
    from vst.pipeline.option_values import parse_frame_rate

    assert automatic_interval(rate) == Schedule().longest(1 / parse_frame_rate(str(rate)))


def test_an_unknown_frame_rate_is_taken_for_24(make_host, rendered, one_shot):
    assert automatic_interval(0) == automatic_interval(24) == AUTO_INTERVAL
    assert_equal(make_host(frames=one_shot), rendered(one_shot, "vtn", rate=24), [3, 12])


@pytest.mark.parametrize("count", [1, 2, 3, 9, 10])
def test_a_short_clip_gives_the_frames_of_a_render(make_host, rendered, one_shot, count):
    expected = rendered(one_shot[:count], "vtn")
    assert_equal(make_host(frames=one_shot[:count]), expected, shuffled(count))


def test_a_range_that_ends_within_an_interval_has_the_frames_of_the_whole_clip(
    make_host, rendered, one_shot
):
    assert_equal(make_host(frames=one_shot), rendered(one_shot, "vtn"), range(2, 6))


def test_frames_that_cannot_be_followed_end_intervals_as_in_a_render(make_host, rendered, one_shot, runs):
    noise = np.random.default_rng(2).integers(0, 256, (LONG, 48, 64, 3), np.uint8)
    frames = tensors([0.5 * pan_with_disc(n, cut=99) + 0.5 * noise[n // 3] for n in range(LONG)])
    expected = rendered(frames, "vtn")
    keyframes = sorted(set(runs))
    assert keyframes != list(range(0, LONG, 8))
    assert_equal(make_host(frames=frames), expected, shuffled(LONG))


@pytest.mark.parametrize("interval", [2, 3, 8])
def test_borders_that_change_within_a_shot_are_those_of_a_render(make_host, rendered, one_shot, interval):
    frames = [each.clone() for each in one_shot]
    for number, each in enumerate(frames):
        if number < 3:
            each[:] = 0  # nothing to see yet, so that the borders begin at frame 3
        left = 24 if number == 11 else 0  # from where on the bars hold picture
        each[:, :8, left:] = each[:, -10:, left:] = 0
    expected = rendered(frames, "vtn", keep_borders=True, interval=interval)
    assert not expected[10][:, :8].any()
    assert expected[11][:, :8].any()
    host = make_host(frames=frames)
    assert_equal(host, expected, shuffled(LONG), keyframe_interval=interval)
    assert_equal(host, expected, range(LONG), keyframe_interval=interval, run="another")


@pytest.mark.parametrize("limit", [200_000_000, 1])
def test_playing_forwards_runs_the_network_as_often_as_a_render(make_host, rendered, runs, limit):
    noise = np.random.default_rng(1).integers(0, 256, (48, 70, 3), np.uint8)
    texture = cv2.GaussianBlur(noise, (0, 0), 1.5)
    slow = tensors([texture[:, number // 5 : number // 5 + 64] for number in range(LONG)])
    rendered(slow, "vtn")
    of_render = list(runs)
    runs.clear()
    host = make_host(frames=slow)
    host.engine = Engine(limit=limit)
    for number in range(LONG):
        host.stylize(number)
    assert runs == of_render == [0, 8, 16, 19]
    # Each frame ahead is fetched once; then the frame itself and the one before are compared.
    assert limit == 1 or len(host.fetched) <= 3 * LONG


@pytest.mark.parametrize("interactive", [True, False])
def test_playing_backwards_runs_the_network_no_more_often(make_host, rendered, one_shot, runs, interactive):
    rendered(one_shot, "vtn")
    of_render = len(runs)
    runs.clear()
    host = make_host(frames=one_shot)
    for number in range(LONG - 1, -1, -1):
        host.stylize(number, interactive=interactive)
    assert len(runs) == of_render


def test_a_frame_between_keyframes_fetches_itself_and_the_one_before(make_host, one_shot):
    host = make_host(frames=one_shot)
    for number in range(4):
        host.stylize(number)
    host.fetched.clear()
    host.stylize(4)
    assert host.fetched == [3, 4]


def test_the_first_frame_of_a_shot_needs_no_keyframe_after_it(make_host, one_shot):
    host = make_host(frames=one_shot)
    host.stylize(0)
    assert max(host.fetched) <= 2


def test_a_changed_frame_changes_its_interval_and_those_after_it(make_host, rendered, one_shot, runs):
    host = make_host(frames=one_shot)
    before = rendered(one_shot, "vtn")
    assert_equal(host, before, range(LONG))
    host.clip = [*one_shot]
    host.clip[12] = one_shot[12] * 0.7
    after = rendered(host.clip, "vtn")
    assert [torch.equal(a, b) for a, b in zip(before, after, strict=True)] == [
        number <= 8 for number in range(LONG)
    ]
    runs.clear()
    for number in shuffled(LONG):
        assert torch.equal(host.stylize(number), after[number]), number
    assert min(runs) > 8


def test_a_change_of_a_frame_ahead_is_noticed_when_it_is_reached(make_host, rendered, one_shot):
    host = make_host(frames=one_shot)
    for number in range(4):
        host.stylize(number)
    host.clip = [*one_shot]
    host.clip[6] = one_shot[6].flip(-1)
    assert_equal(host, rendered(host.clip, "vtn"), [6, 7, 8])


@pytest.mark.parametrize("cut_before", [True, False])
def test_a_cut_that_comes_or_goes_gives_other_frames(make_host, rendered, clip, one_shot, cut_before):
    clips = [clip, one_shot[:FRAMES]] if cut_before else [one_shot[:FRAMES], clip]
    assert all(map(torch.equal, clip[:CUT], one_shot))
    host = make_host(frames=clips[0])
    assert_equal(host, rendered(clips[0], "vtn"), range(FRAMES))
    host.clip = clips[1]
    assert_equal(host, rendered(clips[1], "vtn"), shuffled(FRAMES), run="another")


def test_an_exact_frame_after_approximate_ones_is_that_of_a_render(make_host, rendered, one_shot):
    host = make_host(frames=one_shot)
    for number in (14, 15, 16):
        outcome, image = host.request_frame(number, interactive=True, limit=5)
        assert outcome.approximate
    assert torch.equal(image, rendered(one_shot[9:17], "vtn", look_ahead=False)[7])
    assert_equal(host, rendered(one_shot, "vtn"), [16, 15, 17])


def test_a_frame_whose_states_are_cached_is_exact_in_interactive_use(make_host, rendered, one_shot):
    host = make_host(frames=one_shot)
    expected = rendered(one_shot, "vtn")
    assert_equal(host, expected, [14])
    assert_equal(host, expected, [15, 13, 18, 3], interactive=True, limit=5)


@pytest.mark.parametrize("look_ahead", [True, False])
def test_a_frame_far_from_any_state_is_approximate_though_its_shot_is_known(
    make_host, one_shot, look_ahead
):
    host = make_host(frames=one_shot)
    host.engine = Engine(limit=1)  # keeps the last state alone
    for number in range(17):
        host.stylize(number, look_ahead=look_ahead)
    outcome, _ = host.request_frame(7, interactive=True, limit=2, look_ahead=look_ahead)
    assert outcome.approximate


def test_a_request_that_is_cancelled_in_the_middle_does_no_harm(make_host, rendered, one_shot):
    host = make_host(frames=one_shot)

    class Cancelled(Exception):
        pass

    def cancel(done: int, steps: int) -> None:
        if done >= 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        host.engine.stylize(with_changes(host.request, index=15), host, host.frames, cancel)
    assert_equal(host, rendered(one_shot, "vtn"), [15, 2, 9])


def test_progress_counts_the_frames_up_to_the_requested_one(make_host, one_shot):
    host = make_host(frames=one_shot)
    counted: list[tuple[int, int]] = []
    host.engine.stylize(
        with_changes(host.request, index=11), host, host.frames, lambda *counts: counted.append(counts)
    )
    assert counted == [(number, 12) for number in range(1, 12)]


def test_a_request_of_another_run_while_a_frame_is_fetched_changes_nothing(make_host, rendered, one_shot):
    """As where an effect follows another one: the frame that one needs is rendered by the other."""
    expected = rendered(one_shot, "vtn")
    host, inner = make_host(frames=one_shot), make_host(frames=one_shot[2:])
    inner.engine = host.engine
    fetch = host.fetch

    def fetch_after_another(index: int, slot: int) -> bytes | None:
        inner.stylize(index % 12, run="inner")
        return fetch(index, slot)

    host.fetch = fetch_after_another
    assert_equal(host, expected, [13, 4, 9, 19])


def test_a_cache_that_keeps_frames_and_loses_states_does_not_change_pixels(make_host, rendered, one_shot):
    expected = rendered(one_shot, "vtn")
    host = make_host(frames=one_shot)
    host.engine = Engine(limit=1)
    assert_equal(host, expected, [5, 6, 17, 9, 19, 0])


def test_the_log_says_once_that_a_host_gives_no_later_frames(make_host, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("vst"), "propagate", True)
    host = make_host()
    with caplog.at_level(logging.INFO, "vst"):
        for number in range(3):
            host.stylize(number, temporal=False)
    assert [record.message for record in caplog.records if "--look-ahead 0" in record.message] == [
        "run: the host gives no later frames; keyframes are propagated forwards alone, "
        "as with --look-ahead 0"
    ]
