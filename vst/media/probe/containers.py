"""Opening files with libav: one door, so that every file is treated as hostile in the same way."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import av.logging
from av.codec.hwaccel import HWAccel

from vst.errors import MediaError, nearest
from vst.media.probe.limits import PIXELS
from vst.media.probe.sample_tables import check_sample_tables

DEMUXERS = (
    "aac,ac3,aiff,amr,apng,asf,av1,avi,caf,dv,eac3,flac,flv,gif,h261,h263,h264,hevc,ivf,m4v,matroska,webm,"
    "mjpeg,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,swf,vc1,wav,w64,wtv,"
    "yuv4mpegpipe"
)
"""What may be opened: real media containers; no play lists or devices, which reach for other files."""


def silence_libav() -> None:
    """Keep libav from printing, and from calling Python from its own threads (which can deadlock)."""
    av.logging.restore_default_callback()
    av.logging.set_libav_level(av.logging.PANIC)
    # SVT-AV1 prints on its own unless told not to.
    os.environ.setdefault("SVT_LOG", "0")


def nearest_name(path: Path) -> str:
    """A hint at the file that was probably meant: `` (did you mean ...?)`` or nothing."""
    try:
        names = [entry.name for entry in os.scandir(path.parent) if entry.is_file()]
    except OSError:
        return ""
    near = nearest(path.name, names)
    return f"; did you mean {near}?" if near else ": check the path"


def check_readable(path: Path) -> None:
    """Raise a MediaError that says why `path` cannot be an input file, if it cannot."""
    try:
        if path.is_dir():
            raise MediaError(
                f"{path} is a folder: expected a video or picture file, or a sequence's pattern such as "
                f"{path / '%04d.png'}; all that lies in a folder is for vst batch"
            )
        with path.open("rb") as file:
            if not file.read(1):
                raise MediaError(f"{path} is empty (0 bytes): expected a video or picture file")
    except FileNotFoundError as error:
        raise MediaError(f"{path} does not exist{nearest_name(path)}") from error
    except PermissionError as error:
        raise MediaError(f"{path} cannot be read: permission denied; check its access rights") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise MediaError(f"{path} cannot be read: {reason}") from error


def decoding_options() -> dict[str, str]:
    """Options for every decoder: it refuses frames beyond the limit before it makes room for them.

    libav counts with sides made longer, up to a multiple of 128.
    """
    return {"max_pixels": str(PIXELS.value + (1 << 22))}


@contextmanager
def open_input(path: Path, hwaccel: HWAccel | None = None) -> Iterator[av.container.InputContainer]:
    """A media file opened for reading, and closed at the end.

    Args:
        path: The file.
        hwaccel: The device that is to decode it.

    Raises:
        MediaError: If it cannot be read, is not a media file, or the device cannot be used.
    """
    check_readable(path)
    check_sample_tables(path)
    silence_libav()
    options = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}
    try:
        container = av.open(
            f"file:{path}",
            "r",
            # Those of decoders: libav itself decodes a little, to see what a stream is.
            options=decoding_options(),
            container_options=options,
            metadata_errors="replace",
            hwaccel=hwaccel,
        )
    except RuntimeError as error:
        # So PyAV says that no stream has a decoder for the device.
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
    """The packets of some streams, in the file's order, then an empty one of each.

    Raises:
        av.FFmpegError: If reading fails.
    """
    try:
        yield from container.demux(streams)
    except IndexError:
        # PyAV 18 may ask a stream for its end that was found only while reading (FLV, MPEG-TS), which it
        # does not know. By then all packets have come.
        return


def reason_of(error: BaseException) -> str:
    """What libav or the system says went wrong, without codes and paths."""
    text = getattr(error, "strerror", None) or str(error)
    return str(text).splitlines()[0].lower() if text else type(error).__name__


def writing_error(path: Path, error: BaseException) -> MediaError:
    """The MediaError for a failure while `path` was being written."""
    code = getattr(error, "errno", None)
    if code in (errno.ENOSPC, errno.EDQUOT):
        return MediaError(
            f"{path} could not be written: the disk is full; free some space and run it again"
        )
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        return MediaError(f"{path} could not be written: permission denied; choose another folder with -o")
    return MediaError(f"{path} could not be written: {reason_of(error)}")
