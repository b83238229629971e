"""Stylizing for hosts that give no frame but the one being rendered."""

from __future__ import annotations

import torch

from tests.host.conftest import FRAMES


def stylize_all(host, times):
    return [host.stylize(time, temporal=False) for time in times]


def test_frames_in_order_equal_those_of_a_render_across_the_cut(make_host, rendered, clip):
    host = make_host()
    stylized = stylize_all(host, range(FRAMES))
    assert all(torch.equal(a, b) for a, b in zip(stylized, rendered(clip, "vtn"), strict=True))
    assert host.fetched == list(range(FRAMES))


def test_a_repeated_frame_does_not_advance_the_state(make_host, rendered, clip):
    stylized = stylize_all(make_host(), [0, 0, 1, 2, 2, 2, 3])
    expected = rendered(clip, "vtn")
    for image, number in zip(stylized, [0, 0, 1, 2, 2, 2, 3], strict=True):
        assert torch.equal(image, expected[number])


def test_a_jump_in_time_starts_a_new_shot(make_host, rendered, clip):
    stylized = stylize_all(make_host(), [0, 1, 5, 2, 3])
    assert torch.equal(stylized[2], rendered(clip[5:6], "vtn")[0])
    assert torch.equal(stylized[4], rendered(clip[2:4], "vtn")[1])


def test_a_last_frame_that_has_changed_replaces_the_old_one(make_host, rendered, clip):
    host = make_host()
    stylize_all(host, [0, 1, 2])
    host.clip = [*clip]
    host.clip[2] = clip[2] * 0.7
    stylized = stylize_all(host, [2, 3])
    assert all(torch.equal(a, b) for a, b in zip(stylized, rendered(host.clip, "vtn")[2:4], strict=True))


def test_changed_settings_start_a_new_shot(make_host, rendered, clip):
    host = make_host()
    stylize_all(host, [0, 1, 2])
    host.stylize(3, temporal=False, style="blue")
    assert torch.equal(host.stylize(4, temporal=False), rendered(clip[4:5], "vtn")[0])


def test_an_unknown_frame_rate_is_derived_from_the_shortest_step(make_host, rendered, clip):
    host = make_host()
    fetch = host.fetch
    host.fetch = lambda index, slot: fetch(number, slot)
    stylized = []
    for number in range(5):
        stylized.append(host.stylize(number * 0.04, temporal=False, gap=0.0))
    assert all(torch.equal(a, b) for a, b in zip(stylized, rendered(clip, "vtn"), strict=False))
