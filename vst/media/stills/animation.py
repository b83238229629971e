"""Animated GIF, PNG and WebP: frames, delays and number of plays, read from the blocks of the file.

Nothing is decoded here. The parsers stop at the first thing that is damaged; what came before is used.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from vst.media.limits import FRAMES
from vst.media.stills.picture_kind import PictureKind, kind_of

DEFAULT_DELAY = Fraction(1, 10)
"""Seconds, for frames whose delay is 0, and for GIF frames below 0.02 s: as browsers show them."""

_GIF_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_GIF_CLEARED = 2
"""The disposal that makes the rectangle of a frame transparent after it was shown."""

_GIF_SHORTEST = 2
"""Hundredths of a second; shorter delays are shown as `DEFAULT_DELAY`."""


@dataclass(frozen=True, slots=True)
class Animation:
    """The timing of an animated picture.

    Attributes:
        delays: How long each frame is shown, in seconds.
        plays: How often it is shown; 0 is for ever.
        corrected: Whether a delay was too short and is `DEFAULT_DELAY` instead.
        opaque: Whether it is a GIF in which no pixel can be transparent: nothing else states that.
    """

    delays: tuple[Fraction, ...]
    plays: int
    corrected: bool = False
    opaque: bool = False

    @property
    def duration(self) -> Fraction:
        """Seconds that it takes once."""
        return sum(self.delays, Fraction(0))


def animation_of(path: Path) -> Animation | None:
    """The timing of an animated GIF, PNG or WebP; None for a file with fewer than two frames, or of another
    kind.

    Raises:
        OSError: If it cannot be read.
        MediaError: If it has more frames than a clip may have.
    """
    opaque = False
    with path.open("rb") as file:
        kind = kind_of(file.read(64))
        if kind is PictureKind.GIF:
            delays, plays, opaque = _collect(_gif_delays(file), 1)
        elif kind is PictureKind.PNG:
            delays, plays, _ = _collect(_png_delays(file), 0)
        elif kind is PictureKind.WEBP:
            delays, plays, _ = _collect(_webp_delays(file), 0)
        else:
            return None
    FRAMES.check(path, len(delays))
    if len(delays) < 2:
        return None
    return Animation(tuple(delay or DEFAULT_DELAY for delay in delays), plays, 0 in delays, opaque)


def _collect(found: Iterator[tuple[str, Fraction]], plays: int) -> tuple[list[Fraction], int, bool]:
    """The delays and the number of plays that a parser found, and whether it found no transparency."""
    delays: list[Fraction] = []
    opaque = True
    try:
        for what, value in found:
            if what == "plays":
                plays = int(value)
            elif what == "transparent":
                opaque = False
            else:
                delays.append(value)
            if len(delays) > FRAMES.value:
                break
    except (struct.error, IndexError, EOFError):
        pass
    return delays, plays, opaque


def _take(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError
    return data


def _gif_delays(file: BinaryIO) -> Iterator[tuple[str, Fraction]]:
    """A GIF's delays, one an image. Its loop extension counts repetitions; without it there are none."""
    file.seek(6)
    screen = _take(file, 4)
    flags = _take(file, 3)[0]
    if flags & 0x80:
        _take(file, 3 << ((flags & 7) + 1))
    delay, first, transparent = 0, True, False
    while (block := _take(file, 1)) != b"\x3b":
        if block == b"\x2c":
            *place, flags = struct.unpack("<4s4sB", _take(file, 9))
            if first and (transparent or place != [bytes(4), screen]):
                yield "transparent", Fraction(1)
            first = False
            if flags & 0x80:
                _take(file, 3 << ((flags & 7) + 1))
            _take(file, 1)
            yield "delay", Fraction(delay if delay >= _GIF_SHORTEST else 0, 100)
            delay = 0
            for _ in _gif_blocks(file):
                pass
        elif block == b"\x21":
            label = _take(file, 1)[0]
            blocks = list(_gif_blocks(file, keep=2))
            if label == 0xF9 and blocks and len(blocks[0]) >= 4:
                delay = int.from_bytes(blocks[0][1:3], "little")
                transparent = bool(blocks[0][0] & 1)
                if blocks[0][0] >> 2 & 7 == _GIF_CLEARED:
                    yield "transparent", Fraction(1)
            elif label == 0xFF and len(blocks) > 1 and blocks[0] in _GIF_LOOPS and blocks[1][0] == 1:
                repeats = int.from_bytes(blocks[1][1:3], "little")
                yield "plays", Fraction(repeats + 1 if repeats else 0)
        else:
            return


def _gif_blocks(file: BinaryIO, keep: int = 0) -> Iterator[bytes]:
    """The first `keep` data blocks of an image or extension; the others are skipped."""
    while size := _take(file, 1)[0]:
        data = _take(file, size)
        if keep > 0:
            yield data
            keep -= 1


def _png_delays(file: BinaryIO) -> Iterator[tuple[str, Fraction]]:
    """An APNG's delays, one a frame control chunk; a picture without ``acTL`` has none."""
    file.seek(8)
    animated = False
    while True:
        size, kind = struct.unpack(">I4s", _take(file, 8))
        if kind == b"IEND" or (kind == b"IDAT" and not animated):
            return
        if kind == b"acTL":
            animated = True
            yield "plays", Fraction(struct.unpack(">II", _take(file, 8))[1])
            size -= 8
        elif kind == b"fcTL" and animated:
            numerator, denominator = struct.unpack(">20xHH", _take(file, 24))
            yield "delay", Fraction(numerator, denominator or 100)
            size -= 24
        if size < 0:
            return
        file.seek(size + 4, 1)


def _webp_delays(file: BinaryIO) -> Iterator[tuple[str, Fraction]]:
    """A WebP's delays, one an ``ANMF`` chunk."""
    file.seek(12)
    while True:
        kind, size = struct.unpack("<4sI", _take(file, 8))
        if kind == b"ANIM":
            plays = struct.unpack("<4xH", _take(file, 6))[0]
            yield "plays", Fraction(plays)
            size -= 6
        elif kind == b"ANMF":
            yield "delay", Fraction(int.from_bytes(_take(file, 16)[12:15], "little"), 1000)
            size -= 16
        if size < 0:
            return
        file.seek(size + size % 2, 1)
