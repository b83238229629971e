"""Free disk space: checked before a render, and waited for during it."""

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


def test_the_error_names_the_folder_with_too_little_space(tmp_path, disks):
    watch = DiskSpace(tmp_path / "work", tmp_path / "out", 200 * MIB)
    watch.check()
    for name in ("work", "out"):
        disks[name] = 100 * MIB
        with pytest.raises(MediaError, match=f"100 MiB are free in .*{name}, 200 MiB are needed"):
            watch.check()
        disks[name] = 1000 * MIB


def test_the_error_has_the_absolute_path(tmp_path, disks, monkeypatch):
    monkeypatch.chdir(tmp_path)
    disks["out"] = 100 * MIB
    with pytest.raises(MediaError, match=f"are free in {tmp_path / 'out'}, "):
        DiskSpace(Path("work"), Path("out"), 200 * MIB).check()


def test_the_output_needs_space_for_all_segments_so_far(tmp_path, disks):
    watch = DiskSpace(tmp_path / "work", tmp_path / "out", 200 * MIB, max_wait=0)
    watch.wait(lambda: 700 * MIB)
    with pytest.raises(MediaError, match=r"1000 MiB are free in .*out, 1\.07 GiB are needed"):
        watch.wait(lambda: 900 * MIB)


def test_nothing_is_checked_with_a_limit_of_zero(tmp_path, disks):
    disks["work"] = disks["out"] = 0
    watch = DiskSpace(tmp_path / "work", tmp_path / "out", 0)
    watch.check()
    watch.wait(lambda: 10**12, immediately=True)


def test_a_wait_ends_after_the_longest_allowed_time(tmp_path, disks, caplog):
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


def test_disks_are_checked_at_most_once_per_interval(tmp_path, disks, monkeypatch):
    monkeypatch.setattr(disk_space, "_CHECK_INTERVAL", 60.0)
    watch = DiskSpace(tmp_path / "work", tmp_path / "out", 200 * MIB, max_wait=0)
    watch.wait(lambda: 0)
    disks["work"] = 0
    watch.wait(lambda: 0)
    with pytest.raises(MediaError):
        watch.wait(lambda: 0, immediately=True)


def test_a_missing_folder_is_on_the_disk_of_its_parent(tmp_path):
    DiskSpace(tmp_path / "a" / "b", tmp_path / "c", 1).check()
