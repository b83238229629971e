"""Segments rendered in any order, by any number of processes, join to the file of one render."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import pytest

from tests import fake_backend
from tests.batch.farm.conftest import CLIPS, SEGMENT, film
from tests.clips import make_clip
from vst.batch.farm import SegmentRenderer, join, plan, read_job
from vst.errors import Interrupted, MediaError, UsageError
from vst.media import Reader
from vst.media.decode.decoder import SeekPoint
from vst.modes import backend_choice
from vst.modes.backend_choice import Timing
from vst.pipeline import render

ROOT = Path(__file__).parents[3]


def render_all(job, order):
    """Render segments in an order; returns the results."""
    with SegmentRenderer(job) as renderer:
        return [renderer.render(index) for index in order]


@pytest.mark.parametrize("mode", ["itn", "vtn", "lstm"])
@pytest.mark.parametrize("name", CLIPS)
def test_segments_in_any_order_join_to_the_file_of_one_render(tmp_path, settings, name, mode):
    clip = CLIPS[name](tmp_path)
    whole = render(clip, settings(mode=mode), tmp_path / f"whole{clip.suffix}").output.read_bytes()
    output = tmp_path / f"out{clip.suffix}"
    job = plan(clip, settings(mode=mode), tmp_path / "job.json", output)
    assert len(job.segments) > 2
    count = len(job.segments)
    orders = [list(range(count)), random.Random(1).sample(range(count), count)]
    for order in orders:
        results = render_all(read_job(job.path), order)
        assert not any(each.was_finished for each in results)
        report = join(read_job(job.path))
        assert report.output.read_bytes() == whole
        assert (report.frames, report.shots) == (job.frames, 3 if name == "cut" else 1)
        output.unlink()
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(
        [clip.name, "job.json", f"whole{clip.suffix}"]
    )


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("out.mp4", {"start": "5f", "end": "24f"}),
        ("out/%03d.png", {}),
        ("out.gif", {"mode": "itn"}),
        ("out.mkv", {"keyframe_interval": 3, "look_ahead": "0"}),
        ("out.mkv", {"strength": 0.0}),
        (
            "out.mkv",
            {"style": None, "style_per_shot": "red,blue,none", "start": "5f"},
        ),
        ("out.mkv", {"style": "4f:red 14f:blue hold 22f:none", "hold": 3, "colour": "match"}),
        ("out.mkv", {"strength": "0f:0 9f:0 15f:1"}),
        ("out.mkv", {"loop": True, "keyframe_interval": 4, "steadiness": 0.5}),
    ],
)
def test_ranges_pictures_and_animations_are_those_of_one_render(tmp_path, settings, target, options):
    clip = CLIPS["cut"](tmp_path)
    (tmp_path / "one").mkdir()
    (tmp_path / "farm").mkdir()
    render(clip, settings(**options), tmp_path / "one" / target)
    job = plan(clip, settings(**options), tmp_path / "job.json", tmp_path / "farm" / target)
    render_all(job, [*range(1, len(job.segments)), 0])
    join(job)
    one, farm = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "one", tmp_path / "farm")
    )
    assert farm == one
    assert one


def test_segments_with_regions_join_to_the_file_of_one_render(tmp_path, settings):
    clip, moving = film(tmp_path / "clip.mkv"), tmp_path / "mask.mkv"
    moving.write_bytes(clip.read_bytes())  # as bright as the clip is: soft, and moving
    options = {"mode": "vtn", "regions": [f"{moving}=blue,feather=3"]}
    whole = render(clip, settings(**options), tmp_path / "whole.mkv").output.read_bytes()
    assert whole != render(clip, settings(mode="vtn"), tmp_path / "plain.mkv").output.read_bytes()
    job = plan(clip, settings(**options), tmp_path / "job.json", tmp_path / "out.mkv")
    assert read_job(job.path) == job
    os.utime(moving, (1, 1))  # as a copy has another time
    render_all(read_job(job.path), [*range(1, len(job.segments)), 0])
    assert join(job).output.read_bytes() == whole


def test_a_changed_mask_is_refused_by_name(tmp_path, settings):
    clip, mask = film(tmp_path / "clip.mkv"), film(tmp_path / "mask.mkv")
    job = plan(clip, settings(mask=str(mask)), tmp_path / "job.json", tmp_path / "out.mkv")
    film(mask, gop=5)
    with pytest.raises(MediaError, match=r"mask.mkv has changed since the job was planned"):
        SegmentRenderer(job).__enter__()


def test_a_segment_after_its_predecessor_stylizes_nothing_again(tmp_path, settings):
    job = plan(CLIPS["long"](tmp_path), settings(), tmp_path / "job.json", tmp_path / "out.mp4")
    assert [each.after for each in job.segments] == [None, 0, 1, 2]
    assert [each.stylize_from for each in job.segments] == [0, 0, 0, 0]
    assert [each.replayed for each in render_all(job, [0, 1])] == [0, 0]
    # Without segment 2, segment 3 goes on from the snapshot of segment 1.
    assert [each.replayed for each in render_all(job, [3, 2])] == [SEGMENT, 0]
    join(job)


def test_a_frame_by_frame_mode_replays_nothing(tmp_path, settings):
    clip = CLIPS["long"](tmp_path)
    job = plan(clip, settings(mode="itn", keep_borders=False), tmp_path / "job.json", tmp_path / "out.mp4")
    assert {each.after for each in job.segments} == {None}
    assert [each.replay_cost.stylized for each in job.segments] == [8, 8, 8, 6]


def test_two_processes_at_once_do_no_harm(tmp_path, settings):
    clip = CLIPS["cut"](tmp_path)
    whole = render(clip, settings(), tmp_path / "whole.mkv").output.read_bytes()
    job = plan(clip, settings(), tmp_path / "job.json", tmp_path / "out.mkv")
    refused, second = [], SegmentRenderer(job)

    def during(progress):
        if progress.frame == 2 and not refused:
            with pytest.raises(
                MediaError, match=r"segment 0 of out.mkv is being written by another worker"
            ):
                second.render(0)
            with pytest.raises(MediaError, match="is being written by another render"):
                join(job)
            with pytest.raises(MediaError, match="is being written by another render"):
                render(clip, settings(), job.output)
            refused.append(True)

    with SegmentRenderer(job) as first, second:
        first.render(0, during)
        threads = [
            threading.Thread(target=lambda each=each, index=index: each.render(index))
            for each, index in ((first, 1), (second, 2))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert second.render(0).was_finished
    assert refused
    render_all(job, range(3, len(job.segments)))
    assert join(job).output.read_bytes() == whole


def test_two_processes_with_one_segment_do_no_harm_on_a_disk_without_locks(tmp_path, settings, monkeypatch):
    from vst.media.segments import output_lock

    def no_locks(descriptor, shared):
        raise OSError(95, "not supported")

    monkeypatch.setattr(output_lock, "_take", no_locks)
    clip = CLIPS["cut"](tmp_path)
    job = plan(clip, settings(), tmp_path / "job.json", tmp_path / "out.mkv")
    with SegmentRenderer(job) as first, SegmentRenderer(job) as second:
        done = []

        def during(progress):
            if progress.frame == 2 and not done:
                done.append(True)
                second.render(0)

        first.render(0, during)
        for index in range(1, len(job.segments)):
            first.render(index)
    assert done
    whole = render(clip, settings(), tmp_path / "whole.mkv").output.read_bytes()
    assert join(job).output.read_bytes() == whole


KILLED = """
import os, signal, sys
from vst.batch.farm import SegmentRenderer, read_job
with SegmentRenderer(read_job(sys.argv[1])) as renderer:
    renderer.render(0, lambda each: each.frame == 5 and os.kill(os.getpid(), signal.SIGKILL))
"""


def test_a_killed_segment_is_done_again(tmp_path, settings):
    clip = CLIPS["cut"](tmp_path)
    whole = render(clip, settings(), tmp_path / "whole.mkv").output.read_bytes()
    job = plan(clip, settings(), tmp_path / "job.json", tmp_path / "out.mkv")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, job.path],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    left = list(job.work.folder.glob("part-00000-*"))
    assert left
    with pytest.raises(MediaError, match=r"5 of the 5 segments of job.json are missing or damaged.* 0-4"):
        join(job)
    render_all(job, range(len(job.segments)))
    assert not any(each.exists() for each in left)
    assert join(job).output.read_bytes() == whole


def test_a_stopped_segment_leaves_nothing_and_the_others_stay(tmp_path, settings):
    job = plan(CLIPS["cut"](tmp_path), settings(), tmp_path / "job.json", tmp_path / "out.mkv")
    stop = threading.Event()
    with SegmentRenderer(job, stop=stop) as renderer:
        renderer.render(1)
        with pytest.raises(Interrupted):
            renderer.render(0, lambda each: stop.set())
    names = {each.name for each in job.work.folder.iterdir()}
    assert not any("00000" in name or "part" in name for name in names)
    assert "segment-00001.json" in names


def test_a_truncated_segment_is_done_again(tmp_path, settings):
    clip = CLIPS["cut"](tmp_path)
    whole = render(clip, settings(), tmp_path / "whole.mkv").output.read_bytes()
    job = plan(clip, settings(), tmp_path / "job.json", tmp_path / "out.mkv")
    render_all(job, range(5))
    video = job.work.video(2)
    video.write_bytes(video.read_bytes()[:-7])
    with pytest.raises(MediaError, match=r"1 of the 5 segments .* render them with vst segment job.json 2"):
        join(job)
    assert [each.was_finished for each in render_all(job, range(5))] == [True, True, False, True, True]
    assert join(job).output.read_bytes() == whole


def test_a_damaged_snapshot_is_not_used(tmp_path, settings):
    clip = CLIPS["long"](tmp_path)
    whole = render(clip, settings(), tmp_path / "whole.mp4").output.read_bytes()
    job = plan(clip, settings(), tmp_path / "job.json", tmp_path / "out.mp4")
    render_all(job, [0])
    job.work.state(0).write_bytes(b"nothing")
    assert [each.replayed for each in render_all(job, [1, 2, 3])] == [SEGMENT, 0, 0]
    assert join(job).output.read_bytes() == whole


def test_a_render_and_a_job_go_on_after_each_other(tmp_path, settings):
    clip = CLIPS["cut"](tmp_path)
    whole = render(clip, settings(), tmp_path / "whole.mkv").output.read_bytes()
    stop, output = threading.Event(), tmp_path / "out.mkv"

    def stop_at(frame):
        return lambda each: stop.set() if each.frame == frame else None

    with pytest.raises(Interrupted):
        render(clip, settings(), output, progress=stop_at(9), stop=stop)
    job = plan(clip, settings(), tmp_path / "job.json", output)
    assert [each.was_finished for each in render_all(job, [0, 1])] == [True, False]
    assert render(clip, settings(), output).resumed == 11
    assert output.read_bytes() == whole


def test_segments_of_another_render_are_not_mixed_in(tmp_path, settings):
    clip, output = CLIPS["cut"](tmp_path), tmp_path / "out.mkv"
    first = plan(clip, settings(), tmp_path / "job.json", output)
    render_all(first, [0])
    with pytest.raises(UsageError, match=r"unfinished render of out.mkv with other settings"):
        plan(clip, settings(style="blue"), tmp_path / "other.json", output)
    other = plan(clip, settings(style="blue", resume=False), tmp_path / "other.json", output)
    render_all(other, [1])
    with pytest.raises(MediaError, match=r"belongs to another render of out.mkv"):
        render_all(first, [0])
    with pytest.raises(MediaError, match="5 of the 5 segments"):
        join(first)


def test_an_output_that_exists_is_kept(tmp_path, settings):
    clip, output = CLIPS["cut"](tmp_path), tmp_path / "out.mkv"
    job = plan(clip, settings(), tmp_path / "job.json", output)
    render_all(job, range(5))
    output.write_text("precious")
    with pytest.raises(MediaError, match=r"out.mkv exists already"):
        join(job)
    with pytest.raises(MediaError, match=r"out.mkv exists already"):
        render_all(job, [0])
    assert output.read_text() == "precious"
    assert join(job, overwrite=True).frames == 26


@pytest.mark.parametrize("shift", [40, -240], ids=["no keyframe is found", "another one is found"])
def test_a_file_that_cannot_be_searched_exactly_is_read_from_its_beginning(
    tmp_path, settings, monkeypatch, shift
):
    """What is decoded after a seek is not what the plan has: no segment may have such frames."""
    clip = film(tmp_path / "clip.mkv")
    whole = render(clip, settings(), tmp_path / "whole.mkv").output.read_bytes()
    job = plan(clip, settings(), tmp_path / "job.json", tmp_path / "out.mkv")
    assert [each.frame for each in job.seek_points] == [12, 24]
    begun, read = [], Reader.begin_at

    def begin_elsewhere(self, first, points=()):
        begun.append(len(points))
        read(self, first, [SeekPoint(each.frame, each.pts + shift) for each in points])

    monkeypatch.setattr(Reader, "begin_at", begin_elsewhere)
    render_all(job, range(5))
    assert begun.count(0) >= 1  # again, without seek points
    assert join(job).output.read_bytes() == whole


def test_timestamps_that_collide_across_segments_are_those_of_one_render(tmp_path, settings):
    """Matroska counts milliseconds: frames that are closer are set one tick apart, on and on."""
    times = [Fraction(n, 4000) for n in range(20)]
    clip = make_clip(tmp_path / "fast.mp4", width=64, height=48, times=times, time_base=Fraction(1, 12000))
    whole = render(clip, settings(mode="itn"), tmp_path / "whole.mkv").output.read_bytes()
    job = plan(clip, settings(mode="itn"), tmp_path / "job.json", tmp_path / "out.mkv")
    assert [each.stamp_before for each in job.segments] == [None, 7, 15]
    render_all(job, [2, 1, 0])
    assert join(job).output.read_bytes() == whole


@pytest.mark.parametrize("timing", [Timing(0.2, 0.1, 0), Timing(0.1, 0.2, 0)])
def test_segments_keep_to_the_backend_that_the_plan_chose(tmp_path, settings, monkeypatch, timing):
    fake_backend.install(monkeypatch).shift = 0.01
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    monkeypatch.setattr(backend_choice, "LEAST_FRAMES", 2)
    monkeypatch.setattr(backend_choice, "measure", lambda *_: timing)
    clip = CLIPS["cut"](tmp_path)
    given = settings(mode="itn", backend="auto")
    whole = render(clip, given, tmp_path / f"whole{clip.suffix}").output.read_bytes()
    job = plan(clip, given, tmp_path / "job.json", tmp_path / f"out{clip.suffix}")
    assert job.settings.backend == ("openvino" if timing.other < timing.torch else "torch")
    # Another machine, where the other one is quicker.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(backend_choice, "measure", lambda *_: Timing(timing.other, timing.torch, 0))
    render_all(read_job(job.path), range(len(job.segments)))
    assert join(read_job(job.path)).output.read_bytes() == whole
