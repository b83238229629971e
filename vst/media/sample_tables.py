"""A check of how many samples an MP4 or QuickTime file claims to hold, before libav builds its index.

In ISO/IEC 14496-12 a few bytes can claim billions of samples: `stsz` with one size for all, `trun` without
any per-sample fields. libav's index has an entry for each, which takes gigabytes and minutes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from vst.errors import MediaError
from vst.media.limits import FRAMES

_FIRST = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof", b"sidx")
_PATH = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf")
"""The boxes that contain the sample tables."""

_MAX_BOXES = 1_000_000
_PER_SAMPLE_FIELDS = 0xF00
"""Flags of `trun`: samples have a duration, size, flags or offset of their own, so take bytes."""


class SeekableFile(Protocol):
    """What is needed of a file."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move the position."""
        ...

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        ...


def is_iso_media(head: bytes) -> bool:
    """Whether the first eight bytes of a file are those of an MP4 or QuickTime file."""
    return head[4:8] in _FIRST


def check_sample_tables(path: Path, file: SeekableFile) -> None:
    """Refuse an MP4 or QuickTime file that claims more frames than the limit allows.

    More samples of other kinds, mostly audio, are refused only if the file is too small to hold them.

    Args:
        path: For messages.
        file: The file, open for reading; its position moves.

    Raises:
        MediaError: If the file is refused. Other damage is left to libav.
        OSError: If the file cannot be read.
    """
    size = file.seek(0, 2)
    file.seek(4)
    if not is_iso_media(b"\0\0\0\0" + file.read(4)):
        return
    is_video = False
    in_fragments = 0
    for kind, begin, end in _boxes(file, size):
        head = _read(file, begin, min(end - begin, 12))
        if kind == b"hdlr" and len(head) == 12:
            is_video = head[8:] == b"vide"
        elif kind == b"stsz" and len(head) == 12:
            each, count = struct.unpack(">II", head[4:])
            if is_video:
                FRAMES.check(path, count)
            elif each * count > size and count > FRAMES.value:
                raise MediaError(
                    f"{path} is damaged or cut short: it claims to hold {count:,} samples of {each} "
                    f"bytes, but has {size:,} bytes; to read it anyway, set {FRAMES.variable}={count}"
                )
        elif kind == b"trun" and len(head) >= 8:
            flags, count = struct.unpack(">II", head[:8])
            in_fragments += 0 if flags & _PER_SAMPLE_FIELDS else count
            FRAMES.check(path, in_fragments)


def _boxes(file: SeekableFile, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Type, begin and end of the content of each box at the top level and along `_PATH`, in file order."""
    waiting = [(0, size)]
    for _ in range(_MAX_BOXES):
        while waiting and waiting[-1][0] + 8 > waiting[-1][1]:
            waiting.pop()
        if not waiting:
            return
        at, end = waiting.pop()
        head = _read(file, at, 16)
        if len(head) < 8:
            continue
        length, kind = struct.unpack(">I4s", head[:8])
        begin = at + 8
        if length == 1 and len(head) == 16:
            (length,) = struct.unpack(">Q", head[8:])
            begin = at + 16
        after = end if length == 0 else at + length
        if after < begin:
            continue
        waiting.append((after, end))
        inside = min(after, end)
        if kind in _PATH:
            waiting.append((begin, inside))
        yield kind, begin, inside


def _read(file: SeekableFile, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(max(0, count))
