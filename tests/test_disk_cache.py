"""The cache on disk is private, atomic and optional."""

from __future__ import annotations

import os
import stat
import sys
import threading
import time

import pytest

from vst import disk_cache

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    return tmp_path / "vst" / "kernels"


def test_entries_can_be_read_and_replaced(folder):
    assert disk_cache.cache_folder("kernels") == folder
    assert disk_cache.read("kernels", "one") is None
    disk_cache.write("kernels", "one", b"code\0")
    disk_cache.write("kernels", "two", b"")
    assert disk_cache.read("kernels", "one") == b"code\0"
    assert disk_cache.read("kernels", "two") == b""
    disk_cache.write("kernels", "one", b"other")
    assert disk_cache.read("kernels", "one") == b"other"
    assert sorted(path.name for path in folder.iterdir()) == ["one", "two"]


@posix
def test_entries_are_readable_and_writable_by_the_user_only(folder):
    umask = os.umask(0)
    try:
        disk_cache.write("kernels", "one", b"code")
    finally:
        os.umask(umask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "one").stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 40])
def test_a_damaged_entry_is_ignored(folder, damage):
    disk_cache.write("kernels", "one", b"code")
    (folder / "one").write_bytes(damage)
    assert disk_cache.read("kernels", "one") is None


@pytest.mark.parametrize("cut", [1, -1])
def test_an_entry_with_a_missing_or_an_extra_byte_is_ignored(folder, cut):
    disk_cache.write("kernels", "one", b"code")
    entry = (folder / "one").read_bytes()
    (folder / "one").write_bytes(entry[:-1] if cut > 0 else entry + b"e")
    assert disk_cache.read("kernels", "one") is None


@posix
def test_a_folder_that_others_can_write_to_is_neither_read_nor_written(folder):
    disk_cache.write("kernels", "one", b"code")
    folder.chmod(0o770)
    assert disk_cache.read("kernels", "one") is None
    disk_cache.write("kernels", "two", b"code")
    assert not (folder / "two").exists()


def test_an_unwritable_folder_disables_the_cache_silently(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "file"))
    disk_cache.write("kernels", "one", b"code")
    assert disk_cache.read("kernels", "one") is None
    assert capsys.readouterr() == ("", "")


def test_a_failed_write_leaves_no_file(monkeypatch, folder):
    def refuse(source, target):
        raise OSError("full")

    monkeypatch.setattr(disk_cache.os, "replace", refuse)
    disk_cache.write("kernels", "one", b"code")
    assert list(folder.iterdir()) == []


def test_without_environment_variables_the_cache_is_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("LOCALAPPDATA")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert disk_cache.cache_folder("kernels") == tmp_path / ".cache" / "vst" / "kernels"


def test_a_relative_cache_folder_is_ignored(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    monkeypatch.setenv("LOCALAPPDATA", "somewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert disk_cache.cache_folder("kernels") == tmp_path / ".cache" / "vst" / "kernels"


def test_a_lock_keeps_others_waiting_until_it_ends():
    entered, order = threading.Event(), []

    def other():
        with disk_cache.locked("kernels"):
            order.append("other")

    thread = threading.Thread(target=lambda: (entered.set(), other()))
    with disk_cache.locked("kernels"):
        thread.start()
        entered.wait()
        time.sleep(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "other"]


def test_a_lock_that_is_never_released_is_not_waited_for_for_ever():
    with disk_cache.locked("kernels"), disk_cache.locked("kernels", patience=0.1):
        pass


def test_without_a_folder_nothing_is_locked(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "file"))
    with disk_cache.locked("kernels"):
        pass
