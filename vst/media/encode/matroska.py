"""The sample aspect in a Matroska or WebM file.

PyAV cannot give libav's muxer a sample aspect for a copied stream, and most codecs do not store one. But
the muxer writes the display size of a clip with a stereo mode. So the stream gets a stereo mode, and
afterwards the display size is overwritten in place, with values of the same length, and the stereo mode by
an empty element.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from vst.errors import MediaError

PLACEHOLDER_TAG = ("stereo_mode", "left_right")
"""The tag on the video stream that makes the muxer write a display size."""

_SEGMENT, _TRACKS, _TRACK_ENTRY, _VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0xE0
_STEREO_MODE, _DISPLAY_WIDTH, _DISPLAY_HEIGHT, _VOID = 0x53B8, 0x54B0, 0x54BA, 0xEC
_HEADER_BYTES = 1 << 20


def _number(data: bytes | bytearray, at: int, *, keep_marker: bool) -> tuple[int, int]:
    """An EBML variable-length number and the position after it."""
    first = data[at]
    length = 9 - first.bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    return (value if keep_marker else value - (1 << 7 * length)), at + length


def _children(data: bytes | bytearray, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Identifier, position, start and end of the contents of each element between `start` and `end`."""
    at = start
    while at < min(end, len(data)):
        identifier, after = _number(data, at, keep_marker=True)
        size, body = _number(data, after, keep_marker=False)
        yield identifier, at, body, min(body + size, len(data))
        at = body + size


def _find(data: bytes | bytearray, path: tuple[int, ...]) -> dict[int, tuple[int, int, int]]:
    """The children of the first element at `path`."""
    start, end = 0, len(data)
    for wanted in path:
        start, end = next(
            (body, stop)
            for identifier, _, body, stop in _children(data, start, end)
            if identifier == wanted
        )
    return {identifier: (at, body, stop) for identifier, at, body, stop in _children(data, start, end)}


def display_size(
    width: int, height: int, sample_aspect: Fraction, limits: tuple[int, int]
) -> tuple[int, int]:
    """A display size with the exact aspect ratio, if there is one within the limits, else the nearest."""
    shape = Fraction(width, height) * sample_aspect
    wide, high = shape.numerator, shape.denominator
    fitting = min(limits[0] // wide, limits[1] // high)
    if fitting:
        enough = max(-(-width // wide), -(-height // high))
        return min(enough, fitting) * wide, min(enough, fitting) * high
    rows = min(height, limits[1], int(limits[0] / shape)) or 1
    return max(1, min(round(rows * shape), limits[0])), rows


def set_sample_aspect(path: Path, width: int, height: int, sample_aspect: Fraction) -> None:
    """Write the display size into a file whose video stream was muxed with `PLACEHOLDER_TAG`.

    Raises:
        MediaError: If the file's header has no display size.
    """
    with path.open("r+b") as file:
        head = bytearray(file.read(_HEADER_BYTES))
        try:
            video = _find(head, (_SEGMENT, _TRACKS, _TRACK_ENTRY, _VIDEO))
            fields = [video[_DISPLAY_WIDTH], video[_DISPLAY_HEIGHT]]
            stereo, _, stereo_end = video[_STEREO_MODE]
        except (StopIteration, KeyError, IndexError) as error:
            raise MediaError(
                f"the sample aspect {sample_aspect} cannot be written to {path}: use .mp4"
            ) from error
        limits = tuple((1 << 8 * (end - body)) - 1 for _, body, end in fields)
        size = display_size(width, height, sample_aspect, (limits[0], limits[1]))
        for value, (_, body, end) in zip(size, fields, strict=True):
            head[body:end] = value.to_bytes(end - body, "big")
        blank = stereo_end - stereo
        head[stereo:stereo_end] = bytes([_VOID, 0x80 | (blank - 2)]) + bytes(blank - 2)
        file.seek(0)
        file.write(head)
