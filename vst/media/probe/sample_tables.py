"""How many samples an MP4 or QuickTime file claims to hold, before libav makes a list of them all.

A few bytes of ISO/IEC 14496-12 can claim billions: `stsz` with one size for all, `trun` with none at all.
libav writes them down one by one, which takes gigabytes and minutes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from vst.errors import MediaError
from vst.media.probe.limits import FRAMES

_FIRST = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof", b"sidx")
_PATH = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf")
"""Boxes that lead to the tables."""

_MOST_BOXES = 1_000_000
_EACH_HAS_BYTES = 0xF00
"""Flags of `trun`: a sample has a duration, size, flags or offset of its own, so takes room in the file."""


def check_sample_tables(path: Path) -> None:
    """Refuse an MP4 or QuickTime file that claims more frames than the limit allows.

    Of other samples, sound mostly, so many are refused only where the file is too small for them.

    Raises:
        MediaError: As said; damage of other kinds is left to libav.
        OSError: If the file cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(4)
        if file.read(4) not in _FIRST:
            return
        picture = False
        pieces = 0
        for kind, begin, end in _boxes(file, size):
            head = _at(file, begin, min(end - begin, 12))
            if kind == b"hdlr" and len(head) == 12:
                picture = head[8:] == b"vide"
            elif kind == b"stsz" and len(head) == 12:
                each, count = struct.unpack(">II", head[4:])
                if picture:
                    FRAMES.check(path, count)
                elif each * count > size and count > FRAMES.value:
                    raise MediaError(
                        f"{path} is damaged or cut short: it says that it holds {count:,} samples of "
                        f"{each} bytes, and has {size:,} bytes; if it is to be read all the same, set "
                        f"{FRAMES.variable}={count}"
                    )
            elif kind == b"trun" and len(head) >= 8:
                flags, count = struct.unpack(">II", head[:8])
                pieces += 0 if flags & _EACH_HAS_BYTES else count
                FRAMES.check(path, pieces)


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, and where the content begins and ends, of the boxes at the top and along `_PATH`, in order."""
    waiting = [(0, size)]
    for _ in range(_MOST_BOXES):
        while waiting and waiting[-1][0] + 8 > waiting[-1][1]:
            waiting.pop()
        if not waiting:
            return
        at, end = waiting.pop()
        head = _at(file, at, 16)
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


def _at(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(max(0, count))
