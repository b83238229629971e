"""The output transaction: nothing incomplete has the final name, and finished segments are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from vst.errors import MediaError
from vst.media.segments.transaction import OutputTransaction, incomplete_name


def allow(overwrite: bool) -> None:
    """A check that allows every output."""


def transaction(path: Path, *, resumable: bool = False, is_folder: bool = False) -> OutputTransaction:
    """A transaction that is acquired and started."""
    output = OutputTransaction(path, allow, overwrite=True, resumable=resumable, is_folder=is_folder)
    output.acquire()
    output.start()
    return output


def add_segment(output: OutputTransaction, name: str) -> None:
    """A finished segment of one frame."""
    path = output.work.folder / name
    path.write_bytes(name.encode())
    number = len(output.segments)
    output.finish_segment(
        [number],
        number + 1,
        0,
        files=[path],
        shot=0,
        last=False,
        save=None,
        notes=[],
        truncated=False,
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_committed_file_has_its_name_and_nothing_else_is_left(tmp_path):
    output = transaction(tmp_path / "o.mp4")
    add_segment(output, "s0")
    output.temporary.write_bytes(b"whole")
    assert "o.mp4" not in names(tmp_path)
    assert output.commit_file() == tmp_path / "o.mp4"
    output.abort()
    assert names(tmp_path) == ["o.mp4"]
    assert (tmp_path / "o.mp4").read_bytes() == b"whole"


def test_an_incomplete_file_gets_another_name_that_is_free(tmp_path):
    (tmp_path / "o.incomplete.mp4").write_bytes(b"an earlier one")
    assert incomplete_name(tmp_path / "o.mp4").name == "o-2.incomplete.mp4"
    output = transaction(tmp_path / "o.mp4")
    output.temporary.write_bytes(b"part")
    output.commit_file(incomplete=True)
    assert output.path == tmp_path / "o-2.incomplete.mp4"
    assert names(tmp_path) == ["o-2.incomplete.mp4", "o.incomplete.mp4"]


def test_an_aborted_transaction_leaves_nothing(tmp_path):
    output = transaction(tmp_path / "o.mp4")
    add_segment(output, "s0")
    output.temporary.write_bytes(b"part")
    output.abort()
    assert (names(tmp_path), output.kept_frames) == ([], 0)


def test_a_resumable_transaction_keeps_its_finished_segments_and_continues(tmp_path):
    output = transaction(tmp_path / "o.mp4", resumable=True)
    add_segment(output, "s0")
    (output.work.folder / "s1").write_bytes(b"not finished")
    output.abort()
    assert names(tmp_path) == [".o.mp4.vst-work"]
    assert names(output.work.folder) == ["s0", "segment-00000.json"]
    again = OutputTransaction(tmp_path / "o.mp4", allow, overwrite=False, resumable=True)
    again.acquire()
    again.resume(again.work.finished())
    assert again.kept_frames == 1
    again.abort()


def test_pictures_are_moved_together_and_an_interrupted_move_is_completed(tmp_path):
    output = transaction(tmp_path / "out" / "%d.png", resumable=True, is_folder=True)
    for name in ("1.png", "2.png"):
        add_segment(output, name)
    assert [name for name in names(tmp_path / "out") if not name.startswith(".")] == []
    # As if it had been killed after one file.
    output.work.begin_publishing()
    (output.work.folder / "1.png").rename(tmp_path / "out" / "1.png")
    output.abort()
    again = OutputTransaction(
        tmp_path / "out" / "%d.png", allow, overwrite=False, resumable=True, is_folder=True
    )
    again.acquire()
    again.resume(again.work.finished())
    again.commit_pictures()
    assert names(tmp_path / "out") == ["1.png", "2.png"]


def test_a_folder_that_was_created_is_removed_if_it_is_still_empty(tmp_path):
    transaction(tmp_path / "out" / "%d.png", is_folder=True).abort()
    assert names(tmp_path) == []


def test_a_second_transaction_for_the_same_output_is_refused(tmp_path):
    output = transaction(tmp_path / "o.mp4")
    with pytest.raises(MediaError, match="being written by another"):
        OutputTransaction(tmp_path / "o.mp4", allow, overwrite=True, resumable=False).acquire()
    output.abort()


def test_an_existing_output_may_be_replaced_only_if_the_check_allows_it(tmp_path):
    asked = []
    OutputTransaction(tmp_path / "o.mp4", asked.append, overwrite=False, resumable=True)
    OutputTransaction(tmp_path / "o.mp4", asked.append, overwrite=True, resumable=True)
    assert asked == [False, True]
