"""Opening files with libav. Every input passes through here, so every input is checked in the same way.

Importing this module sets libav's logging once for the process: PyAV's log callback is replaced by libav's
own (a Python callback on libav's threads can deadlock), and nothing is printed. SVT-AV1 prints by itself
unless the environment variable ``SVT_LOG`` is set, so that is set too.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import av
import av.logging
from av.codec.hwaccel import HWAccel

from vst.errors import MediaError
from vst.media.file_errors import check_readable, reason_of
from vst.media.limits import PIXELS
from vst.media.pipes.input_stream import StreamFile, held_stream
from vst.media.pipes.stream_formats import prepare_stream
from vst.media.sample_tables import check_sample_tables
from vst.stream_paths import is_stream

av.logging.restore_default_callback()
av.logging.set_libav_level(av.logging.PANIC)
os.environ.setdefault("SVT_LOG", "0")

DEMUXERS = (
    "aac,ac3,aiff,amr,apng,asf,av1,avi,caf,dv,eac3,flac,flv,gif,h261,h263,h264,hevc,ivf,m4v,matroska,webm,"
    "mjpeg,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,swf,vc1,wav,w64,wtv,"
    "yuv4mpegpipe"
)
"""libav's names of the formats that may be opened: media containers only. Playlists and devices are left
out, because they open other files."""

_SIDE_ALIGNMENT = 1 << 22
"""Pixels. libav rounds both sides up to a multiple of up to 128 before it compares."""


def url_of(path: Path) -> str:
    """The URL by which libav opens a path, whatever its name: colons and `%` have no meaning in it."""
    return f"file:{path}"


def decoding_options() -> dict[str, str]:
    """Options for every decoder: it refuses frames above the pixel limit before it allocates them."""
    return {"max_pixels": str(PIXELS.value + _SIDE_ALIGNMENT)}


@contextmanager
def open_input(
    path: Path, hwaccel: HWAccel | None = None, stop: threading.Event | None = None
) -> Iterator[av.container.InputContainer]:
    """A media file or stream opened for reading, closed at the end of the block.

    Args:
        path: The file, or a stream (`vst.media.pipes`), which is read from where it is if nobody holds it.
        hwaccel: The device that decodes it; None is software.
        stop: Ends the waiting for a stream that nobody holds yet, once it is set.

    Raises:
        MediaError: If it cannot be read, is not a media file, or the device cannot be used.
        Interrupted: If the user stops while a stream is waited for.
    """
    if is_stream(path):
        with held_stream(path, stop) as stream, closing(stream.open()) as file:
            prepare_stream(path, file)
            with _opened(path, file, hwaccel) as container:
                yield container
        return
    check_readable(path)
    with path.open("rb") as file_:
        check_sample_tables(path, file_)
    with _opened(path, url_of(path), hwaccel) as container:
        yield container


@contextmanager
def _opened(
    path: Path, source: str | StreamFile, hwaccel: HWAccel | None
) -> Iterator[av.container.InputContainer]:
    options = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}
    try:
        container = av.open(
            source,
            "r",
            # Decoder options: libav decodes some frames while it opens a file, to find the streams' format.
            options=decoding_options(),
            container_options=options,
            metadata_errors="replace",
            hwaccel=hwaccel,
        )
    except RuntimeError as error:
        # PyAV's error when no stream has a decoder for the device.
        raise MediaError(f"{path} cannot be decoded in hardware ({reason_of(error)})") from error
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(
            f"{path} is not a media file that can be read, or it is damaged ({reason_of(error)}): "
            "expected a video such as mp4, mov, mkv, webm, avi"
        ) from error
    try:
        yield container
    finally:
        container.close()


def packets_of(
    container: av.container.InputContainer, streams: av.stream.Stream | list[av.stream.Stream]
) -> Iterator[av.Packet]:
    """The packets of some streams in file order, then an empty packet for each stream.

    Raises:
        av.FFmpegError: If reading fails.
    """
    try:
        yield from container.demux(streams)
    except IndexError:
        # PyAV 18 may flush a stream that libav found only while reading (FLV, MPEG-TS) and that PyAV does
        # not know. All packets have been read by then.
        return
