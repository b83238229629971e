"""The records of a work folder are used only if they are valid and match the files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vst.media.segments.work_folder import WorkFolder


@pytest.fixture
def store(tmp_path) -> WorkFolder:
    """Two finished segments."""
    store = WorkFolder(tmp_path / "work")
    store.create({"answer": 42})
    for index in range(2):
        store.video(index).write_bytes(bytes([index]) * 100)
        store.finish(index, [10 * index, 10 * index + 1], 10 * index + 2, 1, files=[store.video(index)])
    return store


def test_description_and_segments_are_read_back(store):
    again = WorkFolder(store.folder)
    assert again.description() == {"answer": 42}
    assert [(each.index, each.frames, each.pts, each.end) for each in again.finished()] == [
        (0, 2, [0, 1], 2),
        (1, 2, [10, 11], 12),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"index": 0},
        {"frames": 3},
        {"frames": "2"},
        {"frames": True},
        {"pts": []},
        {"pts": [1.5, 2]},
        {"pts": "12"},
        {"pts": None},
        {"end": None},
        {"delay": -1},
        {"shot": 1.0},
        {"last": 1},
        {"files": []},
        {"files": [["../work/segment-00001.video", 100, "?"]]},
        {"files": [["/etc/hostname", 1, "?"]]},
        {"files": [[".", 1, "?"]]},
        {"files": [["segment-00001.video", 100, "0" * 64]]},
        {"files": [["segment-00001.video", 100]]},
        {"files": 7},
        {"state": ["a/b", 1, "?"]},
        {"notes": [1]},
        {"more": 1},
    ],
)
def test_a_record_with_an_invalid_value_is_ignored(store, change):
    record = store.record(1)
    record.write_text(json.dumps({**json.loads(record.read_text()), **change}))
    assert [each.index for each in store.finished()] == [0]


@pytest.mark.parametrize("text", ["", "null", "[]", "3", "{}", "[" * 100_000, "\x00", '{"index": 1'])
def test_a_record_that_is_not_valid_json_is_ignored(store, text):
    store.record(1).write_text(text)
    (store.folder / "render.json").write_text(text)
    assert [each.index for each in store.finished()] == [0]
    assert store.description() is None


def test_only_the_latest_snapshot_is_kept_and_has_to_match_its_hash(tmp_path):
    store = WorkFolder(tmp_path / "work")
    store.create()
    for index in range(3):
        store.video(index).write_bytes(b"video")
        store.finish(
            index,
            [index],
            index + 1,
            0,
            files=[store.video(index)],
            save=lambda path: path.write_bytes(b"state"),
        )
    segments = store.finished()
    assert [store.has_state(each) for each in segments] == [False, False, True]
    store.state(2).write_bytes(b"stale")
    assert not store.has_state(segments[2])


def test_a_truncated_segment_gets_no_record(store):
    store.video(2).write_bytes(b"half a shot")
    segment = store.finish(2, [20], 21, 0, files=[store.video(2)], truncated=True)
    assert (segment.index, segment.frames) == (2, 1)
    assert [each.index for each in store.finished()] == [0, 1]


def test_files_that_belong_to_no_segment_are_removed(store):
    (store.folder / "segment-00001.json.part").write_text("{")
    (store.folder / "folder").mkdir()
    (store.folder / "folder" / "file").write_text("x")
    outside = store.folder.parent / "outside"
    outside.mkdir()
    (outside / "file").write_text("precious")
    (store.folder / "link").symlink_to(outside)
    segments = store.finished()[:1]
    assert store.clear(segments) == [
        "folder",
        "link",
        "segment-00001.json",
        "segment-00001.json.part",
        "segment-00001.video",
    ]
    assert sorted(each.name for each in store.folder.iterdir()) == [
        "render.json",
        "segment-00000.json",
        "segment-00000.video",
    ]
    assert Path(outside / "file").read_text() == "precious"
    assert WorkFolder(store.folder).finished() == segments
