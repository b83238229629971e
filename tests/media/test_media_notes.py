"""Notes are strings with a kind."""

from __future__ import annotations

import json
import pickle

import pytest
from clips import make_clip

from vst.media import Note, NoteKind, Reader, open_writer
from vst.media.notes import Notes, converted, dropped, repaired


def test_a_note_prints_and_serializes_as_its_text():
    note = dropped("alpha is dropped")
    assert (f"{note}", json.dumps([note])) == ("alpha is dropped", '["alpha is dropped"]')
    assert note.kind is NoteKind.DROPPED


def test_a_note_keeps_its_kind_between_processes():
    note = pickle.loads(pickle.dumps(converted("CMYK is converted to RGB")))
    assert (note, note.kind) == ("CMYK is converted to RGB", NoteKind.CONVERTED)


def test_notes_are_in_order_and_each_text_is_there_once():
    notes = Notes([Note("first"), repaired("second")])
    notes.extend([Note("first"), Note("third")])
    assert list(notes) == ["first", "second", "third"]


def test_the_notes_of_reader_and_writer_have_a_kind(tmp_path):
    clip = make_clip(tmp_path / "c.mkv", frames=1, codec="ffv1", options={"level": "3"}, pix_fmt="yuva420p")
    with Reader(clip) as reader, open_writer(tmp_path / "o.mp4", reader.info) as writer:
        for frame in reader:
            writer.write(frame)
    assert [note.kind for note in reader.notes] == [NoteKind.ASSUMED]
    assert [note.kind for note in writer.notes] == [NoteKind.DROPPED]


@pytest.mark.parametrize("name", ["o.gif", "o.webp", "o%d.png"])
def test_a_timecode_that_pictures_cannot_store_is_noted(tmp_path, name):
    clip = make_clip(tmp_path / "c.mov", frames=3, tags={"timecode": "01:00:00:00"})
    with Reader(clip) as reader, open_writer(tmp_path / name, reader.info) as writer:
        for frame in reader:
            writer.write(frame)
    assert any("cannot store timecode: dropped" in note for note in writer.notes)
