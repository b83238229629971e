"""Which formats are read while a stream goes on; of the others the whole stream is waited for."""

from __future__ import annotations

from pathlib import Path

from vst.errors import MediaError
from vst.media.pipes.input_stream import StreamFile
from vst.media.sample_tables import check_sample_tables
from vst.media.stills.picture_kind import kind_of

_SIGNATURES = (
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"YUV4MPEG2",
    b"FLV",
    b"OggS",
    b"DKIF",  # IVF
    b"nut/multimedia",
    b"\0\0\1",  # MPEG program stream, H.264 and others without a container
    b"\0\0\0\1",
)

_PACKETS = ((0, 188), (4, 192))
"""Begin and distance of the packets of MPEG-TS, without and with a time code."""

_SYNC = b"G"
_HEAD_BYTES = 64


def is_streamed(head: bytes) -> bool:
    """Whether a format can be read without going back in the file, by its first bytes."""
    if head.startswith(_SIGNATURES):
        return True
    return any(
        head[begin : begin + 1] == head[begin + step : begin + step + 1] == _SYNC
        for begin, step in _PACKETS
    )


def prepare_stream(path: Path, file: StreamFile) -> None:
    """Make a stream ready for libav: of a format that has its index at the end, all of it is waited for.

    Raises:
        MediaError: It is empty or a picture, or it claims too many frames.
        Interrupted: The user stops while it is waited for.
    """
    head = file.peek(_HEAD_BYTES + 2 * 192)
    if not head:
        raise MediaError(f"{path} is empty: expected a video from the program that writes to it")
    if kind_of(head[:_HEAD_BYTES]) is not None:
        raise MediaError(f"{path} is a picture: save it, and give the name of the file")
    if is_streamed(head):
        return
    file.wait_for_end()
    check_sample_tables(path, file)
    file.seek(0)
