"""Hosts that give no frame but the one being rendered."""

from __future__ import annotations

import torch

from tests.host.conftest import FRAMES


def stream(host, times):
    return [host.paint(time, temporal=False) for time in times]


def test_in_order_the_frames_are_those_of_a_render_across_the_cut(make_host, rendered, clip):
    host = make_host()
    painted = stream(host, range(FRAMES))
    assert all(torch.equal(a, b) for a, b in zip(painted, rendered(clip, "vtn"), strict=True))
    assert host.fetched == list(range(FRAMES))


def test_a_repeat_does_not_advance(make_host, rendered, clip):
    painted = stream(make_host(), [0, 0, 1, 2, 2, 2, 3])
    expected = rendered(clip, "vtn")
    for picture, number in zip(painted, [0, 0, 1, 2, 2, 2, 3], strict=True):
        assert torch.equal(picture, expected[number])


def test_a_jump_begins_anew(make_host, rendered, clip):
    painted = stream(make_host(), [0, 1, 5, 2, 3])
    assert torch.equal(painted[2], rendered(clip[5:6], "vtn")[0])
    assert torch.equal(painted[4], rendered(clip[2:4], "vtn")[1])


def test_a_last_frame_that_changed_is_painted_in_place_of_the_old_one(make_host, rendered, clip):
    host = make_host()
    stream(host, [0, 1, 2])
    host.clip = [*clip]
    host.clip[2] = clip[2] * 0.7
    painted = stream(host, [2, 3])
    assert all(torch.equal(a, b) for a, b in zip(painted, rendered(host.clip, "vtn")[2:4], strict=True))


def test_other_settings_begin_anew(make_host, rendered, clip):
    host = make_host()
    stream(host, [0, 1, 2])
    host.paint(3, temporal=False, style="blue")
    assert torch.equal(host.paint(4, temporal=False), rendered(clip[4:5], "vtn")[0])


def test_an_unknown_rate_is_found_out(make_host, rendered, clip):
    host = make_host()
    fetch = host.fetch
    host.fetch = lambda index, slot: fetch(number, slot)
    painted = []
    for number in range(5):
        painted.append(host.paint(number * 0.04, temporal=False, gap=0.0))
    assert all(torch.equal(a, b) for a, b in zip(painted, rendered(clip, "vtn"), strict=False))
