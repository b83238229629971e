"""Shots that are looked for in parts of a clip are those of one pass."""

from __future__ import annotations

import dataclasses
import threading

import pytest

import vst.batch.farm.parallel_scan as parallel
from tests.batch.farm.conftest import film
from vst.batch.farm import plan
from vst.batch.farm.scan import Scan
from vst.errors import Interrupted


@pytest.fixture(autouse=True)
def short_parts(monkeypatch):
    monkeypatch.setattr(parallel, "SHORTEST_PART", 6)


@pytest.fixture
def in_this_process(monkeypatch):
    """Scan the parts here, so that the test needs no new process; collects their scans."""
    scans = []

    class Pool:
        def __init__(self, *args, initializer, initargs):
            parallel._ended = None

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def submit(self, work, *args):
            future = parallel.Future()
            scans.append(work(*args))
            future.set_result(scans[-1])
            return future

    monkeypatch.setattr(parallel, "ProcessPoolExecutor", Pool)
    return scans


def test_several_processes_give_the_plan_of_one(tmp_path, settings):
    clip = film(tmp_path / "clip.mkv")
    one, two = (
        plan(clip, settings(mode="itn"), tmp_path / f"{jobs}.json", tmp_path / "out.mkv", jobs=jobs)
        for jobs in (1, 2)
    )
    assert dataclasses.replace(two, path=one.path) == one


@pytest.mark.parametrize("gop", [2, 3, 5, 9, 11])
@pytest.mark.parametrize("jobs", [2, 4])
def test_parts_of_any_length_give_the_plan_of_one_pass(tmp_path, settings, in_this_process, gop, jobs):
    """Cuts at frames 11 and 20 fall at, before and after the beginnings of parts."""
    clip = film(tmp_path / "clip.mkv", gop=gop)
    chosen = settings(mode="itn")
    one = plan(clip, chosen, tmp_path / "1.json", tmp_path / "out.mkv")
    assert in_this_process == []
    two = plan(clip, chosen, tmp_path / "2.json", tmp_path / "out.mkv", jobs=jobs)
    assert len(in_this_process) > 1
    assert None not in in_this_process
    assert dataclasses.replace(two, path=one.path) == one
    assert sorted({each.shot for each in two.segments}) == [0, 11, 20]


@pytest.mark.parametrize("what", ["checksums", "frames"])
def test_parts_that_differ_where_they_overlap_are_given_up(tmp_path, settings, in_this_process, what):
    clip = film(tmp_path / "clip.mkv")
    plan(clip, settings(mode="itn"), tmp_path / "job.json", tmp_path / "out.mkv", jobs=2)
    first, second = in_this_process
    assert parallel.join_parts([first, second]) is not None
    wrong = Scan(0, second.frames, second.begins, second.checksums)
    if what == "checksums":
        wrong.checksums = [second.checksums[0], second.checksums[1] ^ 1, *second.checksums[2:]]
    else:
        wrong.frames = [
            dataclasses.replace(second.frames[0], time=second.frames[0].time + 1),
            *second.frames[1:],
        ]
    assert parallel.join_parts([first, wrong]) is None


def test_a_damaged_clip_is_read_in_one_pass(tmp_path, settings, in_this_process):
    clip = film(tmp_path / "clip.mkv")
    content = bytearray(clip.read_bytes())
    for place in range(len(content) * 6 // 10, len(content) * 8 // 10, 50):
        content[place] ^= 255
    clip.write_bytes(content)
    one, two = (
        plan(clip, settings(mode="itn"), tmp_path / f"{jobs}.json", tmp_path / "out.mkv", jobs=jobs)
        for jobs in (1, 2)
    )
    assert None in in_this_process
    assert dataclasses.replace(two, path=one.path) == one
    assert one.seek_points == ()


def test_a_stop_ends_the_scan(tmp_path, settings):
    clip, stop = film(tmp_path / "clip.mkv"), threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        plan(clip, settings(mode="itn"), tmp_path / "job.json", tmp_path / "out.mkv", stop=stop)
    assert not (tmp_path / "job.json").exists()
