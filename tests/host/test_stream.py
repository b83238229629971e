"""Stylizing for hosts that give no frame but the one being rendered."""

from __future__ import annotations

import os
from functools import partial

import pytest
import torch

from tests.host.conftest import FRAMES
from vst.host.engine import Engine
from vst.host.stream_store import StreamStore


@pytest.fixture
def rendered(rendered):
    """The frames of `vst render --look-ahead 0`."""
    return partial(rendered, look_ahead=False)


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


@pytest.fixture
def restart(make_host, tmp_path):
    """Hosts whose engines keep the state of streams in the same files."""

    def start(process="1"):
        host = make_host()
        host.engine = Engine(limit=200_000_000, store=StreamStore(tmp_path / "s", process))
        return host

    return start


def test_a_new_engine_goes_on_with_the_shot(restart, rendered, clip):
    stylized = []
    for times in ([0, 1, 2], [2, 3, 4, 5], [6, 7, 8]):
        stylized.append(stylize_all(restart(), times))
    expected = rendered(clip, "vtn")
    assert torch.equal(stylized[1][0], expected[2])  # the last frame once more
    images = stylized[0] + stylized[1][1:] + stylized[2]
    assert all(torch.equal(a, b) for a, b in zip(images, expected[:9], strict=True))


def test_another_process_with_the_same_number_does_not_go_on_with_it(restart, rendered, clip):
    stylize_all(restart("1"), [0, 1, 2])
    (stylized,) = stylize_all(restart("2"), [3])
    assert torch.equal(stylized, rendered(clip[3:4], "vtn")[0])


def test_a_purge_removes_the_files(restart, tmp_path):
    host = restart()
    stylize_all(host, [0, 1])
    assert len(list(tmp_path.glob("s.*"))) == 1
    host.engine.purge()
    assert list(tmp_path.glob("s.*")) == []


def test_a_damaged_file_starts_a_new_shot(restart, rendered, clip, tmp_path):
    stylize_all(restart(), [0, 1, 2])
    (file,) = tmp_path.glob("s.*")
    data = file.read_bytes()
    for damaged in (b"", data[:100], b"x" * len(data), data.replace(b"position", b"location")):
        file.write_bytes(damaged)
        (stylized,) = stylize_all(restart(), [3])
        assert torch.equal(stylized, rendered(clip[3:4], "vtn")[0])


def test_a_folder_that_cannot_be_written_costs_no_frame(make_host, rendered, clip, tmp_path):
    host = make_host()
    host.engine = Engine(limit=200_000_000, store=StreamStore(tmp_path / "missing" / "s", "1"))
    stylized = stylize_all(host, [0, 1, 2])
    assert all(torch.equal(a, b) for a, b in zip(stylized, rendered(clip[:3], "vtn"), strict=True))
    assert os.listdir(tmp_path) == []
