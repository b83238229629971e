"""A Ray cluster of several nodes on this machine renders the file of one process, whatever dies."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.batch.farm.conftest import CLIPS, SEGMENT
from tests.clips import Sound, make_clip
from vst.batch import FileState, Watcher, run
from vst.batch.cluster.clip_job import job_path
from vst.batch.cluster.fleet import Fleet
from vst.batch.cluster.render import render_on_ray
from vst.batch.cluster.works import Check, JoinClip, PlanClip, RenderFile, RenderSegments
from vst.batch.farm import plan
from vst.errors import Interrupted, VstError
from vst.pipeline import render

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install ray"),
    pytest.mark.xdist_group("ray"),
]


class Nodes:
    """A cluster whose head has no CPUs for renders, and two nodes of one CPU."""

    def __init__(self) -> None:
        import ray  # it reads its environment when it is imported
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "node_name": "head"})
        self.by_name = {}
        for name in ("left", "right"):
            self.add(name)
        ray.init(self._cluster.address, log_to_driver=False, logging_level=logging.ERROR)

    @property
    def address(self):
        """Of the head."""
        return self._cluster.address

    def add(self, name, **options):
        """Add a node of one CPU."""
        self.by_name[name] = self._cluster.add_node(num_cpus=1, node_name=name, **options)

    def replace(self, name):
        """Add a node in place of one that was killed, once the cluster knows that it is gone."""
        import ray

        deadline = time.monotonic() + 60
        while any(each["Alive"] and each["NodeName"] == name for each in ray.nodes()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        self.add(name)

    def kill(self, name):
        """Kill all processes of a node, those of its workers at once, too."""
        import psutil

        node = self.by_name.pop(name)
        raylet = node.all_processes["raylet"][0].process.pid
        workers = psutil.Process(raylet).children(recursive=True)
        self._cluster.remove_node(node, allow_graceful=False)
        for each in workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()

    def close(self):
        """End the cluster."""
        import ray

        ray.shutdown()
        self._cluster.shutdown()


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 4)
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
        found = Nodes()
        yield found
        found.close()


@pytest.fixture
def given(monkeypatch):
    """Names of the nodes to which segments were given, with the segments."""
    found, give = [], Fleet.give

    def recorded(self, worker, work):
        if isinstance(work, RenderSegments):
            found.append((worker.node.name, work.task.segments))
        give(self, worker, work)

    monkeypatch.setattr(Fleet, "give", recorded)
    return found


def planned_segments(clip, settings, output):
    """Plan in this process, with short segments; the render takes the plan up."""
    plan(clip, settings, job_path(output), output)
    return output


@pytest.mark.parametrize(("name", "mode"), [("cut", "vtn"), ("variable", "itn"), ("long", "vtn")])
def test_two_nodes_give_the_bytes_of_one_process(tmp_path, settings, nodes, name, mode):
    clip = CLIPS[name](tmp_path)
    whole = render(clip, settings(mode=mode), tmp_path / f"whole{clip.suffix}").output.read_bytes()
    output = planned_segments(clip, settings(mode=mode), tmp_path / f"out{clip.suffix}")
    report = render_on_ray(clip, settings(mode=mode), output, address="auto")
    assert report.output.read_bytes() == whole
    assert (report.frames, report.resumed) == ({"cut": 26, "variable": 20, "long": 30}[name], 0)
    assert {each.name for each in tmp_path.iterdir()} == {clip.name, output.name, f"whole{clip.suffix}"}


def test_a_shot_goes_on_elsewhere_when_its_node_is_killed(tmp_path, settings, nodes, given):
    clip = make_clip(
        tmp_path / "long.mp4",
        frames=20 * SEGMENT,
        width=64,
        height=48,
        sound=[Sound(seconds=6.4)],
        options={"crf": "12", "g": "30"},
    )
    whole = render(clip, settings(), tmp_path / "whole.mp4").output.read_bytes()
    output = planned_segments(clip, settings(), tmp_path / "out.mp4")
    killed = []

    def progress(each):
        if not killed and each.frame > SEGMENT:
            killed.append(given[0][0])
            nodes.kill(killed[0])

    report = render_on_ray(clip, settings(), output, address="auto", progress=progress)
    assert [name for name, _ in given[:2]] == [*killed, *({"left", "right"} - set(killed))]
    assert any(
        f"node {killed[0]} or its worker died; its work is done again" in note for note in report.notes
    )
    assert report.output.read_bytes() == whole
    nodes.replace(killed[0])


def test_a_stopped_render_keeps_what_is_finished_and_goes_on(tmp_path, settings, nodes):
    clip = make_clip(tmp_path / "long.mkv", frames=20 * SEGMENT, width=64, height=48)
    whole = render(clip, settings(), tmp_path / "whole.mkv").output.read_bytes()
    output, stop = planned_segments(clip, settings(), tmp_path / "out.mkv"), threading.Event()

    def progress(each):
        if each.frame > SEGMENT:
            stop.set()

    with pytest.raises(Interrupted, match="stopped"):
        render_on_ray(clip, settings(), output, address="auto", progress=progress, stop=stop)
    assert not output.exists()
    report = render_on_ray(clip, settings(), output, address="auto")
    assert 0 < report.resumed < report.frames
    assert output.read_bytes() == whole


def test_a_node_that_would_give_other_bits_is_named(tmp_path, settings, nodes, given):
    clip, notes = CLIPS["cut"](tmp_path), []
    nodes.add("old", env_vars={"ATEN_CPU_CAPABILITY": "default"})
    try:
        options = {"address": "auto", "begun": notes.extend}
        render_on_ray(clip, settings(mode="itn"), tmp_path / "strict.mkv", **options)
        assert "node old is not used: it would render other bits than" in notes[0]
        assert "--device was cpu (" in notes[0]
        assert "is cpu (DEFAULT)" in notes[0]
        assert {name for name, _ in given} <= {"left", "right"}
        notes.clear()
        report = render_on_ray(
            clip, settings(mode="itn"), tmp_path / "mixed.mkv", allow_mixed=True, **options
        )
        assert report.frames == 26
        assert notes[0].startswith("node old is used because of --allow-mixed: it would render other bits")
    finally:
        nodes.kill("old")


def test_a_driver_without_the_token_is_told_so(tmp_path, nodes):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    options = ["--style", "candy", "--ray", nodes.address]
    done = subprocess.run(
        [sys.executable, "-m", "vst", "render", CLIPS["cut"](tmp_path), *options],
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]  # after lines of Ray's own log
    assert last.startswith("vst: error: the Ray cluster asks for a token: set RAY_AUTH_MODE=token")


def test_a_batch_gives_the_files_of_one_process(tmp_path, settings, nodes, monkeypatch):
    from PIL import Image

    monkeypatch.undo()  # workers plan with segments of the usual length
    footage = tmp_path / "footage"
    (footage / "deep").mkdir(parents=True)
    CLIPS["cut"](footage)
    CLIPS["long"](footage / "deep")
    Image.effect_noise((48, 32), 50).convert("RGB").save(footage / "photo.png")
    (footage / "broken.mkv").write_bytes(b"nothing")
    here, there = (
        run(footage, tmp_path / name, settings(mode="itn"), **options)
        for name, options in (("one", {"jobs": 1}), ("ray", {"ray": "auto", "watcher": Watcher()}))
    )
    states = {each.file.name: each.state for each in there}
    assert states == {
        "broken.mkv": FileState.FAILED,
        "cut.mkv": FileState.DONE,
        "deep/long.mp4": FileState.DONE,
        "photo.png": FileState.DONE,
    }
    assert [each.message for each in here] == [each.message for each in there]
    for each in there:
        if each.state is FileState.DONE:
            assert each.file.output.read_bytes() == (tmp_path / "one" / each.file.name).read_bytes()
    hidden = {".vst-batch.json"}
    assert {each.name for each in (tmp_path / "ray").rglob(".*")} == hidden


def test_clips_of_a_batch_are_whole_where_no_worker_would_wait(tmp_path, settings, nodes, monkeypatch):
    monkeypatch.undo()
    footage, works, give = tmp_path / "footage", [], Fleet.give
    footage.mkdir()
    for index in range(9):
        make_clip(footage / f"{index}.mkv", frames=4, width=64, height=48)
    monkeypatch.setattr(
        Fleet, "give", lambda self, worker, work: (works.append(type(work)), give(self, worker, work))
    )
    results = run(footage, tmp_path / "ray", settings(mode="itn"), ray="auto")
    assert [each.state for each in results] == [FileState.DONE] * 9
    # The last one would be alone: its segments are for both workers.
    assert Counter(works) == Counter({Check: 2, RenderFile: 8, PlanClip: 1, RenderSegments: 1, JoinClip: 1})
    run(footage, tmp_path / "one", settings(mode="itn"), jobs=1)
    for each in results:
        assert each.file.output.read_bytes() == (tmp_path / "one" / each.file.name).read_bytes()


def test_a_whole_clip_goes_on_elsewhere_when_its_node_is_killed(tmp_path, settings, nodes, monkeypatch):
    monkeypatch.undo()  # workers have segments of the usual length
    footage, given, give = tmp_path / "footage", [], Fleet.give
    footage.mkdir()
    for index in range(8):
        make_clip(footage / f"{index}.mkv", frames=60, width=64, height=48)
    run(footage, tmp_path / "one", settings(mode="itn"), jobs=1)
    output, killed = tmp_path / "ray", []

    def give_and_kill(self, worker, work):
        give(self, worker, work)
        given.append(work)
        if isinstance(work, RenderFile) and not killed:
            while not any(output.glob(".0.mkv*")):  # until it has begun
                time.sleep(0.01)
            killed.append(worker.node.name)
            nodes.kill(worker.node.name)

    monkeypatch.setattr(Fleet, "give", give_and_kill)
    try:
        results = run(footage, output, settings(mode="itn"), ray="auto")
    finally:
        nodes.replace(killed[0])
    assert [(each.state, each.message) for each in results] == [(FileState.DONE, "")] * 8
    works = [each for each in given if isinstance(each, RenderFile)]
    assert (len(works), len(set(works))) == (9, 8)  # one of them twice
    for each in results:
        assert each.file.output.read_bytes() == (tmp_path / "one" / each.file.name).read_bytes()


def test_a_cluster_without_room_says_what_is_missing(tmp_path, settings, nodes):
    with pytest.raises(VstError, match=r"no node of the cluster has 9 CPUs; the largest, .* has 1 CPUs?"):
        render_on_ray(CLIPS["cut"](tmp_path), settings(threads=9), tmp_path / "out.mkv", address="auto")
