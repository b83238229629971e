"""What a batch does not render, and why."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vst.batch.batch_file import one_line
from vst.summary import named

MAX_NAMED = 3
"""Names that `summary_lines` gives for each reason; the others are counted."""


class Reason(enum.StrEnum):
    """Why something in the folder is not rendered."""

    HIDDEN = "hidden"
    TEXT = "text"
    NO_MEDIA = "not a video or picture that can be read"
    AUDIO = "audio without video"
    SIDECAR = "sidecar of a video or picture"
    LONE_SIDECAR = "settings (.vst.json) of a file that is not there"
    MASK = "mask of a video or picture"
    STYLE = "picture of a style"
    RAW = "raw photograph, or TIFF with another extension"
    EMPTY = "empty file"
    EMPTY_FOLDER = "empty folder"
    BROKEN_LINK = "broken link"
    LINKED_FOLDER = "link to a folder, not followed"
    SPECIAL = "named pipe, socket or device"
    OUTPUT = "output folder of a batch"
    UNREADABLE = "not readable by this user"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something in the folder of a batch that is not rendered.

    Attributes:
        name: Path relative to the folder, with forward slashes; that of a folder ends with one.
        reason: Why.
    """

    name: str
    reason: Reason


def summary_lines(left_out: Sequence[LeftOut], most: int | None = MAX_NAMED) -> Iterator[str]:
    """A line for each reason: the number of files and folders, and names.

    Args:
        left_out: What is not rendered.
        most: The most names in a line; None for all.
    """
    names: dict[Reason, list[str]] = {}
    for each in left_out:
        names.setdefault(each.reason, []).append(one_line(each.name))
    for reason in Reason:
        if found := names.get(reason):
            yield named(reason, found, most)
