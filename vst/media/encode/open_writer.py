"""`open_writer`: the writer for an output, by its name."""

from __future__ import annotations

import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

from vst.errors import MediaError, UsageError
from vst.media.encode.output_check import check_output
from vst.media.encode.picture_writer import PictureWriter
from vst.media.encode.plan import Encoding
from vst.media.encode.writer import Writer
from vst.media.probe.clip_info import ClipInfo
from vst.media.segments.disk_space import MIN_FREE
from vst.media.segments.encoder import MAX_SEGMENT_FRAMES
from vst.media.segments.segment_transaction import Part, SegmentTransaction
from vst.media.segments.transaction import OutputTransaction
from vst.media.stills.sequence import is_output_pattern
from vst.media.stills.write import STILL_SUFFIXES
from vst.stream_paths import is_output_stream


def open_writer(
    path: str | Path,
    source: ClipInfo,
    encoding: Encoding | None = None,
    *,
    width: int | None = None,
    height: int | None = None,
    overwrite: bool = False,
    threads: int | None = None,
    work_dir: str | Path | None = None,
    segment_frames: int | None = MAX_SEGMENT_FRAMES,
    resumable: bool = False,
    min_free: int = MIN_FREE,
    stop: threading.Event | None = None,
    pipe_format: str | None = None,
    part: Part | None = None,
) -> Writer:
    """Open an output for writing.

    Args:
        path: The file to write; its extension is the container or picture format. With a counter in its
            name, ``%04d`` or ``####``, each frame becomes a picture.
        source: The clip that the frames come from; its audio, subtitles, chapters, tags, colour and
            timestamps are kept.
        encoding: Codec, quality and pixel format.
        width: Columns of the output; those of the source by default.
        height: Rows of the output; those of the source by default.
        overwrite: Whether to replace an existing output.
        threads: Encoder threads. The same number gives the same file. None: what suits the frames' size.
        work_dir: The folder for the hidden work folder; that of the output by default.
        segment_frames: The most frames in a segment; None for no limit, so that only `Writer.cut` ends one.
        resumable: Whether finished segments are kept after an error. `Writer.start` or `Writer.resume` has
            to be called.
        min_free: Bytes of the disk that have to stay free: with less the writer waits, see `DiskSpace`.
        stop: Set to end a pause because of low disk space, or the waiting for a pipe.
        pipe_format: A key of `STREAM_CONTAINERS`, for an output that is a pipe (`vst.media.pipes`).
        part: Write one segment only, for an output whose segments are rendered by several processes:
            `Writer.cut` finishes it.

    Returns:
        A writer of a video file, an animated picture, a picture, an image sequence or a pipe.

    Raises:
        MediaError: If the output cannot be written, another writer has it, or the disk is nearly full.
        UsageError: If codec, pixel format and container do not go together.
    """
    path = Path(path)
    encoding = encoding or Encoding()
    width = source.width if width is None else width
    height = source.height if height is None else height
    is_sequence = is_output_pattern(
        path, source.path, is_still=source.is_still, is_sequence=source.sequence is not None
    )
    limit = sys.maxsize if segment_frames is None else max(1, segment_frames)
    if _is_pipe(path, pipe_format):
        return _open_pipe(path, source, encoding, width, height, threads, stop, pipe_format)
    check = partial(check_output, path, source, is_sequence)
    common: dict[str, Any] = {
        "overwrite": overwrite,
        "min_free": min_free,
        "stop": stop,
        "is_folder": is_sequence,
    }
    if part is not None:
        output: OutputTransaction = SegmentTransaction(path, check, part=part, **common)
    else:
        work = None if work_dir is None else Path(work_dir)
        output = OutputTransaction(path, check, resumable=resumable, work_dir=work, **common)
    writer = _open(output, source, encoding, width, height, is_sequence, threads, limit)
    if part is None and not resumable:
        try:
            writer.start()
        except MediaError:
            writer.abort()
            raise
    return writer


def _is_pipe(path: Path, pipe_format: str | None) -> bool:
    streams = is_output_stream(path)
    if pipe_format is not None and not streams:
        raise UsageError(f"{path} is no pipe: leave --pipe-format out, or give a pipe such as -o -")
    return streams


def _open_pipe(
    path: Path,
    source: ClipInfo,
    encoding: Encoding,
    width: int,
    height: int,
    threads: int | None,
    stop: threading.Event | None,
    pipe_format: str | None,
) -> Writer:
    from vst.media.encode.stream_writer import StreamWriter, stream_container

    # There is nothing to replace, to keep or to lock.
    output = OutputTransaction(
        path, partial(check_output, path, source, False), overwrite=True, resumable=False, min_free=0
    )
    container = stream_container(path, pipe_format)
    return StreamWriter(
        output, source, encoding, width, height, container=container, threads=threads, stop=stop
    )


def _open(
    output: OutputTransaction,
    source: ClipInfo,
    encoding: Encoding,
    width: int,
    height: int,
    is_sequence: bool,
    threads: int | None,
    limit: int,
) -> Writer:
    """The writer of a file, or of an image sequence."""
    is_picture = output.path.suffix.lower() in STILL_SUFFIXES
    if source.is_still and is_picture and not is_sequence:
        return PictureWriter(output, source, encoding, width, height)

    # Here, so that a picture does not wait for what writes videos.
    from vst.media.encode.animation_writer import AnimationWriter, animation_format
    from vst.media.encode.sequence_writer import SequenceWriter
    from vst.media.encode.video_writer import VideoWriter

    animation = None if is_sequence else animation_format(output.path, source, encoding.codec)
    if animation is not None:
        return AnimationWriter(
            output, source, encoding, width, height, animation, threads=threads, segment_frames=limit
        )
    if not is_picture:
        return VideoWriter(output, source, encoding, width, height, threads=threads, segment_frames=limit)
    if is_sequence:
        return SequenceWriter(output, source, encoding, width, height, segment_frames=limit)
    return PictureWriter(output, source, encoding, width, height)
