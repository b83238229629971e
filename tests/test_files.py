"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from vst.errors import MediaError
from vst.files import check_new_file, write_whole


def test_a_file_is_kept_without_overwrite_and_inputs_always(tmp_path: Path) -> None:
    source, page = tmp_path / "clip.mov", tmp_path / "report.html"
    source.write_bytes(b"clip")
    check_new_file(page, False, [source])
    page.write_text("mine")
    with pytest.raises(MediaError, match="pass -y"):
        check_new_file(page, False, [source])
    check_new_file(page, True, [source])
    with pytest.raises(MediaError, match="one of the inputs"):
        check_new_file(source, True, [source])
    with pytest.raises(MediaError, match="does not exist"):
        check_new_file(tmp_path / "none" / "r.html", True)
    with pytest.raises(MediaError, match="is a folder"):
        check_new_file(tmp_path, True)


def test_a_file_that_cannot_be_written_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_whole(path, b"first")

    def full(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(MediaError, match="No space left"):
        write_whole(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]
