"""Searches the folder of a batch: what is a video or a picture, and why the rest is not."""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vst.batch.left_out import LeftOut, Reason
from vst.batch.sidecar import SIDECAR_SUFFIX
from vst.errors import AudioOnly, Interrupted, MediaError, VstError
from vst.media.file_errors import reason_of
from vst.media.probe import probe
from vst.media.probe.suffixes import media_suffixes

_log = logging.getLogger(__name__)

MANIFEST_NAME = ".vst-batch.json"
"""File in an output folder that records its batch; see `Manifest`."""

_HEAD = 4096
"""Bytes of a file by which text is recognized."""

_RAW_HEADS = (b"II*\0", b"MM\0*")
"""First bytes of TIFF. With another extension it is a camera's raw photograph, of which only a small
preview could be read."""

_RAW_BRAND = b"ftypcrx "
"""Bytes 4 to 12 of a raw photograph in an MP4 container (CR3)."""


@dataclass
class Search:
    """What is below a folder; all paths are relative to it.

    Attributes:
        media: Videos and pictures, sorted.
        left_out: Everything else, in the order in which it was found.
        unreadable: Folders that cannot be read, with the reason.
    """

    media: list[Path] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)


def search(source: Path, output: Path, stop: threading.Event | None = None) -> Search:
    """Search a folder with its subfolders. Links to folders are not followed.

    A file with the extension of a video or a picture is one, whatever is in it: a render says what is wrong
    with it. Other files are opened, as `vst render` would.

    Args:
        source: The folder.
        output: The output folder; it is not searched.
        stop: Set it to end the search.

    Raises:
        MediaError: The folder itself cannot be read.
        Interrupted: `stop` was set.
    """
    found = Search()
    written = os.path.realpath(output)

    def unreadable(error: OSError) -> None:
        path = Path(error.filename)
        if path == source:
            raise MediaError(f"folder {source} cannot be read: {reason_of(error)}") from error
        found.unreadable.append((path.relative_to(source), reason_of(error)))

    for folder, subfolders, names in os.walk(source, onerror=unreadable):
        here = Path(folder)
        if not subfolders and not names and here != source:
            found.left_out.append(LeftOut(_folder_name(here, source), Reason.EMPTY_FOLDER))
        searched = []
        for name in sorted(subfolders):
            reason = _folder_reason(here / name, written)
            if reason is None:
                searched.append(name)
            else:
                found.left_out.append(LeftOut(_folder_name(here / name, source), reason))
        subfolders[:] = searched
        for path, reason in _classified(here, sorted(names), stop):
            if reason is None:
                found.media.append(path.relative_to(source))
            else:
                found.left_out.append(LeftOut(path.relative_to(source).as_posix(), reason))
    found.media.sort()
    return found


def _folder_name(folder: Path, source: Path) -> str:
    return f"{folder.relative_to(source).as_posix()}/"


def _folder_reason(folder: Path, written: str) -> Reason | None:
    """Why a folder is not searched; None if it is."""
    if folder.name.startswith("."):
        return Reason.HIDDEN
    if folder.is_symlink():
        return Reason.LINKED_FOLDER
    if os.path.lexists(folder / MANIFEST_NAME) or os.path.realpath(folder) == written:
        return Reason.OUTPUT
    return None


def _classified(
    folder: Path, names: list[str], stop: threading.Event | None
) -> Iterator[tuple[Path, Reason | None]]:
    """Each file of one folder, with the reason why it is not rendered; None for media."""
    others, stems = [], set()
    for name in names:
        path = folder / name
        reason = Reason.HIDDEN if name.startswith(".") else _special(path)
        if reason is not None:
            yield path, reason
        elif path.suffix.lower() in media_suffixes():
            stems |= {path.stem, name}
            yield path, None
        else:
            others.append(path)
    for path in others:
        if stop is not None and stop.is_set():
            raise Interrupted(f"stopped while {folder} was searched; nothing was rendered")
        # clip.xmp, clip.srt and clip.mov.xmp belong to clip.mov.
        if path.name.endswith(SIDECAR_SUFFIX):
            beside = path.name.removesuffix(SIDECAR_SUFFIX) in stems
            yield path, Reason.SIDECAR if beside else Reason.LONE_SIDECAR
        else:
            yield path, Reason.SIDECAR if path.stem in stems else _reason_inside(path)


def _special(path: Path) -> Reason | None:
    """Why something is not a regular file; None if it is one."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return Reason.BROKEN_LINK if path.is_symlink() else Reason.UNREADABLE
    return None if stat.S_ISREG(mode) else Reason.SPECIAL


def _reason_inside(path: Path) -> Reason | None:
    """Why a file whose extension promises nothing is not rendered; None if it is a video or a picture."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return Reason.UNREADABLE
    if not head:
        return Reason.EMPTY
    if head.startswith(_RAW_HEADS) or head[4:12] == _RAW_BRAND:
        return Reason.RAW
    if _is_text(head):
        return Reason.TEXT
    try:
        probe(path)
    except AudioOnly:
        return Reason.AUDIO
    except VstError:
        return Reason.NO_MEDIA
    except Exception:  # one file must not end the batch, whatever is wrong with it
        _log.debug("%s", path, exc_info=True)
        return Reason.NO_MEDIA
    return None


def _is_text(head: bytes) -> bool:
    """Whether the first bytes of a file are text in UTF-8, without control characters."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(head) < _HEAD or error.start < _HEAD - 3:  # a character may be cut at the end
            return False
        text = head[: error.start].decode("utf-8")
    return all(character.isprintable() or character in "\t\n\r\f\ufeff" for character in text)
