"""`vst render --ray` and `vst batch --ray`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


@pytest.fixture
def chosen(weights):
    return [
        *("--style", "candy", "--mode", "itn", "--precision", "fp32", "--device", "cpu"),
        *("--weights-dir", weights),
    ]


@pytest.mark.parametrize("command", ["render", "batch"])
@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (
            ["--allow-mixed"],
            2,
            "--allow-mixed is for renders on several machines: give --ray",
        ),
        (["--ray", "lokal"], 2, "--ray is 'lokal': did you mean 'local'?, or an address such as"),
        (["--ray", "ray://head:10001"], 2, "an address of Ray Client"),
        (["--ray", "local"], 1, "--ray needs Ray, which is not installed: pip install 'vst[ray]'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    vst, chosen, clip, tmp_path, monkeypatch, command, options, code, message
):
    monkeypatch.setattr("vst.batch.cluster.ray_cluster.find_spec", lambda name: None)
    source = clip if command == "render" else clip.parent
    done = vst(command, source, *chosen, "-o", tmp_path / "out", *options)
    assert done.code == code
    assert message in done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_what_has_no_segments_is_refused_before_a_cluster_is_started(
    vst, chosen, clip, tmp_path, monkeypatch
):
    monkeypatch.setattr("vst.batch.cluster.ray_cluster.find_spec", lambda name: True)
    monkeypatch.setattr("vst.batch.cluster.render.connected", lambda address: pytest.fail("started"))
    Image.new("RGB", (48, 32), "red").save(tmp_path / "red.png")
    (tmp_path / "there.mkv").write_bytes(b"precious")
    for source, options, message in (
        (tmp_path / "red.png", [], "red.png is one picture, which has no segments: leave --ray out"),
        (clip, ["-o", "-"], "a stream is rendered in one go: leave --ray out"),
        (clip, ["-o", tmp_path / "there.mkv"], "there.mkv exists already: -y replaces it"),
        (tmp_path / "none.mov", [], "none.mov"),
        (clip, ["-o", tmp_path / "none" / "out.mkv"], "none cannot be written"),
    ):
        done = vst("render", source, *chosen, *options, "--ray", "local")
        assert done.code in (1, 2)
        assert message in done.err
    assert (tmp_path / "there.mkv").read_bytes() == b"precious"


def test_jobs_and_ray_exclude_each_other(vst, chosen, clip, tmp_path):
    done = vst("batch", clip.parent, *chosen, "-o", tmp_path / "out", "--jobs", "2", "--ray", "local")
    assert done.code == 2
    assert "--jobs is for the processes of one machine: leave it out with --ray" in done.err


@pytest.mark.xdist_group("ray")
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install ray")
def test_a_local_cluster_gives_the_bytes_of_one_process_and_json_only(chosen, clip, tmp_path):
    (tmp_path / "home").mkdir()

    def run(name, *options):
        done = subprocess.run(
            [sys.executable, "-m", "vst", "render", clip, *chosen, "-o", tmp_path / name, *options],
            env={**os.environ, "HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    events, messages = run("ray.mkv", "--ray", "local", "--json")
    assert events[-1]["event"] == "done"
    assert events[-1]["frames"] == 4
    assert "Ray" not in messages
    run("one.mkv", "--threads", "1", "-q")
    assert (tmp_path / "ray.mkv").read_bytes() == (tmp_path / "one.mkv").read_bytes()
    assert {each.name for each in tmp_path.iterdir()} >= {"home", "ray.mkv", "one.mkv"}
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(".")]
