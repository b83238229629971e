"""Several workers begin with the largest files, and share the cores."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PIL import Image

import vst.batch.runner
from tests.clips import make_clip
from vst.batch import run
from vst.batch.batch_file import BatchFile
from vst.batch.cores import WORKER_MEMORY, default_jobs, usable_cores
from vst.batch.work_size import largest_first
from vst.pipeline import RenderSettings


def files_in(folder: Path):
    return [BatchFile(each.name, each, folder / "out" / each.name) for each in sorted(folder.iterdir())]


@pytest.fixture
def sizes(tmp_path):
    """A long small clip, a short larger one, a picture of many bytes, and what cannot be read."""
    make_clip(tmp_path / "b-long.mkv", frames=30, width=64, height=48)
    make_clip(tmp_path / "c-short.mkv", frames=4, width=128, height=96)
    Image.effect_noise((200, 200), 90).save(tmp_path / "d.png")
    (tmp_path / "a-broken.mkv").write_bytes(b"nothing" * 100_000)
    return files_in(tmp_path)


def test_the_largest_files_come_first_by_pixels_not_bytes(sizes):
    names = [each.name for each in largest_first(sizes)]
    assert names == ["b-long.mkv", "c-short.mkv", "d.png", "a-broken.mkv"]


def test_files_of_one_size_keep_their_order(tmp_path):
    for name in "cab":
        (tmp_path / f"{name}.mkv").write_bytes(b"nothing")
    assert [each.name for each in largest_first(files_in(tmp_path))] == ["a.mkv", "b.mkv", "c.mkv"]


def test_a_stopped_batch_opens_no_file(sizes, monkeypatch):
    stop = threading.Event()
    stop.set()
    monkeypatch.setattr("vst.batch.work_size.probe", lambda path: pytest.fail("opened"))
    assert largest_first(sizes, stop) == sizes


@pytest.fixture
def workers(monkeypatch):
    """Takes what is given to worker processes; none is started."""
    found = []

    def given(files, render_file, count, progressed, stop):
        found.append(([each.name for each in files], count, render_file.args[0].threads))
        yield from ()

    monkeypatch.setattr(vst.batch.runner, "run_in_workers", given)
    monkeypatch.setattr(vst.batch.runner, "check_settings", lambda settings: None)
    monkeypatch.setattr(vst.batch.runner, "usable_cores", lambda: 8)
    return found


def run_files(folder, tmp_path, **options):
    with pytest.raises(KeyError):  # no worker has given results
        run(
            folder,
            tmp_path / "out",
            RenderSettings(style="candy", **options.pop("settings", {})),
            **options,
        )


def test_workers_share_the_cores_and_get_the_largest_first(sizes, tmp_path, workers, monkeypatch):
    monkeypatch.setattr(vst.batch.runner, "default_jobs", lambda device: 3)
    folder = sizes[0].source.parent
    run_files(folder, tmp_path)
    run_files(folder, tmp_path, jobs=2)
    run_files(folder, tmp_path, jobs=9, settings={"threads": 5})
    order = ["b-long.mkv", "c-short.mkv", "d.png", "a-broken.mkv"]
    assert workers == [(order, 3, 2), (order, 2, 4), (order, 4, 5)]


@pytest.mark.parametrize(
    ("cores", "free", "jobs"),
    [(1, None, 1), (2, None, 1), (8, None, 4), (8, 2 * WORKER_MEMORY, 2), (8, 0, 1)],
)
def test_the_number_of_workers_follows_cores_and_memory(monkeypatch, cores, free, jobs):
    monkeypatch.setattr("vst.batch.cores.usable_cores", lambda: cores)
    monkeypatch.setattr("vst.pipeline.memory_estimate.free_memory", lambda device: free)
    assert default_jobs("cpu") == jobs


def test_a_gpu_has_one_worker(monkeypatch):
    import torch

    monkeypatch.setattr("vst.device.choose_device", lambda name: torch.device("cuda"))
    assert default_jobs("auto") == 1
    assert usable_cores() >= 1
