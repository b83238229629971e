"""Room on the disks: refused before, waited for meanwhile, and not for ever."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from vst.errors import Interrupted, MediaError
from vst.media.segments import disk_space
from vst.media.segments.disk_space import DiskSpace

MIB = 2**20


@pytest.fixture
def disks(monkeypatch):
    """Bytes free in each folder, by its name, and whether folders are on one disk."""
    free = {"work": 1000 * MIB, "out": 1000 * MIB}
    monkeypatch.setattr(disk_space, "_free", lambda folder: free[folder.name])
    monkeypatch.setattr(disk_space, "_device", lambda folder: free.get("one disk", folder.name))
    monkeypatch.setattr(disk_space, "_CHECK_INTERVAL", 0.0)
    return free


def test_the_folder_that_is_short_is_named(tmp_path, disks):
    watch = DiskSpace(tmp_path / "work", tmp_path / "out", 200 * MIB)
    watch.check()
    for name in ("work", "out"):
        disks[name] = 100 * MIB
        with pytest.raises(MediaError, match=f"100 MiB are free in .*{name}, 200 MiB are needed"):
            watch.check()
        disks[name] = 1000 * MIB


def test_a_folder_is_named_by_its_whole_path(tmp_path, disks, monkeypatch):
    monkeypatch.chdir(tmp_path)
    disks["out"] = 100 * MIB
    with pytest.raises(MediaError, match=f"are free in {tmp_path / 'out'}, "):
        DiskSpace(Path("work"), Path("out"), 200 * MIB).check()


def test_the_output_needs_room_for_all_that_is_encoded_so_far(tmp_path, disks):
    watch = DiskSpace(tmp_path / "work", tmp_path / "out", 200 * MIB, max_wait=0)
    watch.wait(lambda: 700 * MIB)
    with pytest.raises(MediaError, match=r"1000 MiB are free in .*out, 1\.07 GiB are needed"):
        watch.wait(lambda: 900 * MIB)


def test_nothing_is_watched_without_a_threshold(tmp_path, disks):
    disks["work"] = disks["out"] = 0
    watch = DiskSpace(tmp_path / "work", tmp_path / "out", 0)
    watch.check()
    watch.wait(lambda: 10**12, immediately=True)


def test_a_wait_ends_when_patience_does(tmp_path, disks, caplog):
    watch = DiskSpace(tmp_path / "work", tmp_path / "out", 200 * MIB, max_wait=0.05)
    disks["work"] = 0
    with pytest.raises(MediaError, match=r"0 KiB are free .*, and no space was freed within 0 minutes"):
        watch.wait(lambda: 0)
    assert len(caplog.records) == 1


def test_a_wait_ends_when_the_user_stops(tmp_path, disks):
    stop = threading.Event()
    stop.set()
    watch = DiskSpace(tmp_path / "work", tmp_path / "out", 200 * MIB, stop=stop)
    disks["work"] = 0
    with pytest.raises(Interrupted, match="while waiting for free disk space"):
        watch.wait(lambda: 0)


def test_disks_are_looked_at_only_now_and_then(tmp_path, disks, monkeypatch):
    monkeypatch.setattr(disk_space, "_CHECK_INTERVAL", 60.0)
    watch = DiskSpace(tmp_path / "work", tmp_path / "out", 200 * MIB, max_wait=0)
    watch.wait(lambda: 0)
    disks["work"] = 0
    watch.wait(lambda: 0)
    with pytest.raises(MediaError):
        watch.wait(lambda: 0, immediately=True)


def test_a_folder_that_is_yet_to_be_made_is_on_the_disk_above_it(tmp_path):
    DiskSpace(tmp_path / "a" / "b", tmp_path / "c", 1).check()
