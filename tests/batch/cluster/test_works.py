"""What workers do: looking at shared files, probe frames, planning, segments of a shot in one task."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest

import vst
from tests.batch.farm.conftest import CLIPS, film
from vst.batch.batch_file import BatchFile, FileResult
from vst.batch.cluster import shared_folder
from vst.batch.cluster.clip_job import ClipJob, job_path
from vst.batch.cluster.node_worker import NodeWorker
from vst.batch.cluster.probe import probe
from vst.batch.cluster.ray_cluster import check_address
from vst.batch.cluster.render import cluster_settings, render_on_ray
from vst.batch.cluster.settings_text import settings_from_text, settings_to_text
from vst.batch.cluster.works import (
    Check,
    Failed,
    JoinClip,
    PlanClip,
    RenderFile,
    RenderSegments,
    ScanPart,
    SegmentTask,
    tasks_of,
)
from vst.batch.farm import plan, read_job
from vst.errors import CutShort, MediaError, OutputInUse, UsageError, VstError
from vst.pipeline import RenderSettings, render
from vst.pipeline.threads import arithmetic_threads


def test_settings_travel_with_absolute_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = RenderSettings(
        style="candy", weights_dir=Path("weights"), flow="file:flow", start="0:01", fps=25, threads=2
    )
    found = settings_from_text(settings_to_text(settings))
    assert found.weights_dir == tmp_path / "weights"
    assert found.flow == f"file:{tmp_path / 'flow'}"
    assert dataclasses.replace(found, weights_dir=Path("weights"), flow="file:flow") == settings


def test_masks_travel_with_absolute_paths_and_every_node_has_to_see_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = RenderSettings(
        style="candy",
        mask="m.png,invert",
        regions=["sub/r%02d.png=wave,feather=2", "alpha=none"],
        threads=2,
    )
    found = settings_from_text(settings_to_text(settings))
    assert found.mask == vst.Mask(tmp_path / "m.png", invert=True)
    assert found.regions == (
        vst.Region(tmp_path / "sub" / "r%02d.png", style="wave", feather=2),
        vst.Region("alpha"),
    )
    assert shared_folder.mask_places(settings) == [tmp_path / "m.png", tmp_path / "sub"]
    assert shared_folder.mask_places(RenderSettings(style="candy")) == []


def test_segments_of_a_shot_are_one_task_if_they_depend_on_each_other(tmp_path, settings):
    clip = film(tmp_path / "cut.mkv", 40)  # shots of 11, 9 and 20 frames
    job = plan(clip, settings(), tmp_path / "vtn.json", tmp_path / "vtn.mkv")
    tasks = [each.segments for each in tasks_of(job, list(range(len(job.segments))))]
    assert (tasks[0], sorted(tasks)) == ((4, 5, 6), [(0, 1), (2, 3), (4, 5, 6)])
    assert sorted(each.segments for each in tasks_of(job, [0, 3, 5, 6])) == [(0,), (3,), (5, 6)]
    alone = settings(mode="itn", keep_borders=False)
    job = plan(clip, alone, tmp_path / "itn.json", tmp_path / "itn.mkv")
    tasks = tasks_of(job, list(range(len(job.segments))))
    assert sorted(each.segments for each in tasks) == [(index,) for index in range(7)]
    assert [each.cost for each in tasks] == sorted((each.cost for each in tasks), reverse=True)


def test_a_worker_plans_renders_and_joins(tmp_path, settings):
    clip = CLIPS["cut"](tmp_path)
    whole = render(clip, settings(), tmp_path / "whole.mkv").output.read_bytes()
    one, worker = ClipJob(clip, tmp_path / "out.mkv", settings(), 1), NodeWorker()
    works, done = [one.plan], []
    while works:
        work = works.pop(0)
        value = worker.run(work)
        done.append(type(work).__name__)
        works.extend(one.done(work, value))
    assert done == ["PlanClip", "RenderSegments", "RenderSegments", "RenderSegments", "JoinClip"]
    assert one.report.output.read_bytes() == whole
    assert one.planned.memory > 0
    assert not job_path(tmp_path / "out.mkv").exists()


def rendered_until_join(one, worker):
    """Does the works of a clip but the join, which is returned."""
    works = [one.plan]
    while not isinstance(works[0], JoinClip):
        work = works.pop(0)
        works.extend(one.done(work, worker.run(work)))
    (join,) = works
    return join


def test_what_was_joined_by_a_worker_that_did_not_answer_is_joined(tmp_path, settings):
    clip, output = CLIPS["cut"](tmp_path), tmp_path / "out.mkv"
    one, worker = ClipJob(clip, output, settings(), 1), NodeWorker()
    join = rendered_until_join(one, worker)
    told = worker.run(join)
    written = output.stat()
    refused = worker.run(join)
    assert isinstance(refused, Failed)
    assert "exists already" in refused.message
    again = worker.run(dataclasses.replace(join, again=True))
    assert (again.output, again.frames, again.shots) == (output, told.frames, told.shots)
    assert output.stat() == written
    one.done(join, again)
    assert {each.name for each in tmp_path.iterdir()} == {clip.name, output.name}


def test_a_join_that_a_worker_had_only_begun_is_done_again(tmp_path, settings):
    clip, output = CLIPS["cut"](tmp_path), tmp_path / "out.mkv"
    one, worker = ClipJob(clip, output, settings(), 1), NodeWorker()
    join = rendered_until_join(one, worker)
    output.write_bytes(b"what a network file system may show of it")
    report = worker.run(dataclasses.replace(join, again=True))
    assert report.frames == 26
    assert output.read_bytes() == render(clip, settings(), tmp_path / "whole.mkv").output.read_bytes()


def test_a_file_that_was_finished_by_a_worker_that_did_not_answer_is_rendered_again(tmp_path, settings):
    clip, output = CLIPS["cut"](tmp_path), tmp_path / "out.mkv"
    work, worker = (
        RenderFile(BatchFile("cut.mkv", clip, output), settings_to_text(settings())),
        NodeWorker(),
    )
    assert worker.run(work).frames == 26
    written = output.read_bytes()
    refused = worker.run(work)
    assert isinstance(refused, Failed)
    assert "exists already" in refused.message
    assert worker.run(dataclasses.replace(work, again=True)).frames == 26
    assert output.read_bytes() == written


def test_workers_plan_a_long_clip_in_parts(tmp_path, settings, monkeypatch):
    monkeypatch.setattr("vst.batch.farm.parallel_scan.SHORTEST_PART", 6)
    clip, output = film(tmp_path / "clip.mkv", gop=3), tmp_path / "out.mkv"
    expected = plan(clip, settings(), tmp_path / "one.json", output)
    one, worker = ClipJob(clip, output, settings(), 0), NodeWorker()
    works = [one.plan]
    done = []
    while one.planned is None:
        work = works.pop(0)
        # As the scheduler does when there are places for four workers.
        value = worker.run(dataclasses.replace(work, jobs=4) if isinstance(work, PlanClip) else work)
        if isinstance(work, ScanPart):
            assert value.frames
        done.append(type(work).__name__)
        works.extend(one.done(work, value))
    assert done == ["PlanClip", *["ScanPart"] * 4, "PlanClip"]
    assert dataclasses.replace(read_job(one.job), path=expected.path) == expected


@pytest.mark.parametrize("found", [None, "the first"], ids=["cannot be read", "other frames"])
def test_parts_that_do_not_fit_together_are_planned_in_one_pass(tmp_path, settings, monkeypatch, found):
    monkeypatch.setattr("vst.batch.farm.parallel_scan.SHORTEST_PART", 6)
    clip, output = film(tmp_path / "clip.mkv", gop=3), tmp_path / "out.mkv"
    one, worker = ClipJob(clip, output, settings(), 0), NodeWorker()
    parts = list(one.done(one.plan, worker.run(dataclasses.replace(one.plan, jobs=2))))
    first = worker.run(parts[0])
    assert one.done(parts[0], first) == []
    (again,) = one.done(parts[1], first if found else None)
    planned = worker.run(again)
    assert planned.frames == 26
    assert len(read_job(one.job).segments) == 5


def test_a_plan_of_an_earlier_run_is_taken_up_only_if_nothing_has_changed(tmp_path, settings, monkeypatch):
    clip, output = CLIPS["cut"](tmp_path), tmp_path / "out.mkv"
    first = ClipJob(clip, output, settings(), 1)
    worker = NodeWorker()
    planned = worker.run(first.plan)
    assert worker.run(RenderSegments(first.job, planned.tasks[0])) != planned
    planned_bytes = Path(first.job).read_bytes()
    monkeypatch.setattr("vst.batch.farm.plan", lambda *_, **__: pytest.fail("planned again"))
    again = NodeWorker().run(first.plan)
    assert (again.finished, len(again.tasks)) == (planned.tasks[0].frames, len(planned.tasks) - 1)
    monkeypatch.undo()
    other = ClipJob(clip, output, settings(style="blue"), 1)
    refused = NodeWorker().run(other.plan)
    assert isinstance(refused, Failed)
    assert "unfinished render of out.mkv with other settings" in refused.message
    assert Path(first.job).read_bytes() == planned_bytes


def test_a_stopped_worker_says_what_is_finished(tmp_path, settings):
    clip = CLIPS["long"](tmp_path)
    job = plan(clip, settings(), tmp_path / "job.json", tmp_path / "out.mp4")
    (task,) = tasks_of(job, list(range(4)))
    worker = NodeWorker()
    watched = threading.Timer(0, lambda: None)

    def watch():
        while worker.frames_done() < 10:
            watched.finished.wait(0.001)
        worker.stop()

    thread = threading.Thread(target=watch)
    thread.start()
    found = worker.run(RenderSegments(str(job.path), task))
    thread.join()
    assert isinstance(found, Failed)
    assert found.exit_code == 130
    assert found.kept in (8, 16, 24)


def test_a_machine_that_differs_renders_only_if_that_is_allowed(tmp_path, settings, monkeypatch):
    clip = CLIPS["cut"](tmp_path)
    job = plan(clip, settings(mode="itn"), tmp_path / "job.json", tmp_path / "out.mkv")
    fingerprint = {**job.fingerprint, "--device": "cpu (OTHER)"}
    other = dataclasses.replace(job, fingerprint=fingerprint, checksums=tuple(0 for _ in job.checksums))
    monkeypatch.setattr("vst.batch.farm.read_job", lambda path: other)
    task = SegmentTask(tuple(range(len(job.segments))), job.frames, 1)
    found = NodeWorker().run(RenderSegments("job", task))
    assert (
        "would render other frames than job.json was planned for: --device was cpu (OTHER)" in found.message
    )
    done = NodeWorker().run(RenderSegments("job", task, allow_mixed=True))
    assert sum(each.frames for each in done) == 26


def test_probe_frames_have_one_hash_for_the_same_settings(settings):
    first, again = probe(settings()), probe(settings())
    assert first.differences(again) == []
    for changed in (settings(style="blue"), settings(mode="itn")):
        assert first.frame_hash != probe(changed).frame_hash
    assert "--threads was 1 and is 2" in first.differences(probe(settings(threads=2)))


def test_the_threads_of_a_probe_are_those_of_the_settings(settings):
    with arithmetic_threads(3):
        assert probe(settings()).fingerprint["--threads"] == "1"


def test_shared_files_are_looked_at_and_removed(tmp_path):
    clip = tmp_path / "clip.mov"
    clip.write_bytes(b"12345")
    (tmp_path / ".out.mov.vst-shared-01234567").write_text("left by a killed render")
    with shared_folder.shared_files(tmp_path / "out.mov", [clip]) as files:
        assert NodeWorker().run(Check(files, None)) is None
        clip.write_bytes(b"123456")
        other = NodeWorker().run(Check(files, None))
        assert other.message == f"sees another {clip}: mount the same folder there under the same path"
        clip.unlink()
        missing = NodeWorker().run(Check(files, None))
        assert missing.message.startswith(f"cannot see {clip} (no such file or directory): mount the same")
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
    with (
        pytest.raises(MediaError, match=r"none cannot be written"),
        shared_folder.shared_files(tmp_path / "none" / "out.mov", []),
    ):
        pass


def test_errors_travel_as_one_line_with_their_exit_code(tmp_path, settings):
    worker = NodeWorker()
    found = worker.run(
        PlanClip(str(tmp_path / "none.mov"), str(tmp_path / "o.mov"), settings_to_text(settings()), "j")
    )
    assert isinstance(found.error(), VstError)
    assert "none.mov" in found.message
    unknown = worker.run(Check((), settings_to_text(settings(style="nothing"))))
    assert isinstance(unknown.error(), UsageError)
    bug = worker.run(JoinClip(3, False))
    assert bug.message.startswith("internal error (")
    assert bug.exit_code == 1


@pytest.mark.parametrize(
    ("error", "answer", "is_in_use"),
    [
        (OutputInUse("another process writes it"), Failed, True),
        (VstError("memory is short"), Failed, False),
        (MediaError("cannot read it"), Failed, False),
        (UsageError("no such style"), FileResult, False),
        (CutShort("ends early"), FileResult, False),
        (ValueError("a bug"), FileResult, False),
    ],
)
def test_a_whole_file_is_tried_elsewhere_where_that_may_help(
    monkeypatch, settings, error, answer, is_in_use
):
    def render_file(*given):
        raise error

    monkeypatch.setattr("vst.batch.runner.render_file", render_file)
    file = BatchFile("a.mkv", Path("a.mkv"), Path("b.mkv"))
    found = NodeWorker().run(RenderFile(file, settings_to_text(settings())))
    assert type(found) is answer
    assert str(error) in found.message
    assert getattr(found, "is_in_use", False) is is_in_use


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("lokal", r"--ray is 'lokal': did you mean 'local'\?, or an address such as 10.0.0.1:6379"),
        ("10.0.0.1", r"--ray is '10.0.0.1': expected one of auto, local, or an address"),
        ("ray://head:10001", r"an address of Ray Client: run vst on a machine of the cluster"),
        ("", r"--ray is '': expected one of auto, local, or an address"),
    ],
)
def test_what_is_no_address_is_refused(address, message):
    with pytest.raises(UsageError, match=message):
        check_address(address)


def test_without_ray_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("vst.batch.cluster.ray_cluster.find_spec", lambda name: None)
    for address in ("local", "auto", "head:6379", "10.0.0.1:6379", "[::1]:6379"):
        with pytest.raises(
            VstError, match=r"^--ray needs Ray, which is not installed: pip install 'vst\[ray\]'$"
        ):
            render_on_ray(tmp_path / "clip.mov", RenderSettings(style="candy"), address=address)


def test_workers_have_one_thread_if_nobody_says_and_ray_chooses_the_gpu():
    assert cluster_settings(RenderSettings(style="candy")).threads == 1
    assert cluster_settings(RenderSettings(style="candy", threads=4)).threads == 4
    with pytest.raises(UsageError, match="--device cuda:1 with --ray: give cuda"):
        cluster_settings(RenderSettings(style="candy", device="cuda:1"))
