"""Notes: what was assumed, converted, repaired or dropped, for the user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Self


class NoteKind(Enum):
    """What a note is about. Compare notes by kind; their text may change from version to version."""

    INFO = "info"
    """Which choice was made, such as the codec or the decoder."""
    ASSUMED = "assumed"
    """The file does not state something, and a value is assumed."""
    CONVERTED = "converted"
    """Something is stored in another form than in the source."""
    DROPPED = "dropped"
    """Something in the source is missing in the output."""
    REPAIRED = "repaired"
    """Damaged or inconsistent data, and what replaces it."""
    INTERLACED = "interlaced"
    """The frames hold two fields each."""


class Note(str):
    """One line of text for the user, with its kind.

    A note is a string, so that it prints, joins and serializes as one; JSON keeps the text only.

    Args:
        text: The line.
        kind: What it is about.
    """

    kind: NoteKind

    def __new__(cls, text: str, kind: NoteKind = NoteKind.INFO) -> Self:
        note = super().__new__(cls, text)
        note.kind = kind
        return note


def assumed(text: str) -> Note:
    """A note of the kind `NoteKind.ASSUMED`."""
    return Note(text, NoteKind.ASSUMED)


def converted(text: str) -> Note:
    """A note of the kind `NoteKind.CONVERTED`."""
    return Note(text, NoteKind.CONVERTED)


def dropped(text: str) -> Note:
    """A note of the kind `NoteKind.DROPPED`."""
    return Note(text, NoteKind.DROPPED)


def repaired(text: str) -> Note:
    """A note of the kind `NoteKind.REPAIRED`."""
    return Note(text, NoteKind.REPAIRED)


class Notes:
    """Notes in the order in which they were added, each text once.

    Args:
        notes: The first ones.
    """

    def __init__(self, notes: Iterable[Note] = ()) -> None:
        self._notes: dict[str, Note] = {}
        self.extend(notes)

    def __iter__(self) -> Iterator[Note]:
        return iter(self._notes.values())

    def add(self, note: Note) -> None:
        """Append a note, unless there is one with the same text."""
        self._notes.setdefault(str(note), note)

    def extend(self, notes: Iterable[Note]) -> None:
        """Append several notes."""
        for note in notes:
            self.add(note)
