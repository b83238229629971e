"""`open_writer`: the writer for an output, by its name."""

from __future__ import annotations

import sys
import threading
from functools import partial
from pathlib import Path

from vst.errors import MediaError
from vst.media.encode.animation_writer import AnimationWriter, animation_format
from vst.media.encode.output_check import check_output
from vst.media.encode.picture_writer import PictureWriter
from vst.media.encode.plan import ENCODER_THREADS, Encoding
from vst.media.encode.sequence_writer import SequenceWriter
from vst.media.encode.video_writer import VideoWriter
from vst.media.encode.writer import Writer
from vst.media.probe.clip_info import ClipInfo
from vst.media.segments.disk_space import MIN_FREE
from vst.media.segments.encoder import MAX_SEGMENT_FRAMES
from vst.media.segments.transaction import OutputTransaction
from vst.media.stills.sequence import has_counter
from vst.media.stills.write import STILL_SUFFIXES


def open_writer(
    path: str | Path,
    source: ClipInfo,
    encoding: Encoding | None = None,
    *,
    width: int | None = None,
    height: int | None = None,
    overwrite: bool = False,
    threads: int = ENCODER_THREADS,
    work_dir: str | Path | None = None,
    segment_frames: int | None = MAX_SEGMENT_FRAMES,
    resumable: bool = False,
    min_free: int = MIN_FREE,
    stop: threading.Event | None = None,
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
        threads: Encoder threads. The same number gives the same file.
        work_dir: The folder for the hidden work folder; that of the output by default.
        segment_frames: The most frames in a segment; None for no limit, so that only `Writer.cut` ends one.
        resumable: Whether finished segments are kept after an error. `Writer.start` or `Writer.resume` has
            to be called.
        min_free: Bytes of the disk that have to stay free: with less the writer waits, see `DiskSpace`.
        stop: Set to end a pause because of low disk space.

    Returns:
        A writer of a video file, an animated picture, a picture or an image sequence.

    Raises:
        MediaError: If the output cannot be written, another writer has it, or the disk is nearly full.
        UsageError: If codec, pixel format and container do not go together.
    """
    path = Path(path)
    encoding = encoding or Encoding()
    width = source.width if width is None else width
    height = source.height if height is None else height
    limit = sys.maxsize if segment_frames is None else max(1, segment_frames)
    output = OutputTransaction(
        path,
        partial(check_output, path, source),
        overwrite=overwrite,
        resumable=resumable,
        work_dir=None if work_dir is None else Path(work_dir),
        min_free=min_free,
        stop=stop,
        is_folder=has_counter(path),
    )
    writer: Writer
    animation = None if has_counter(path) else animation_format(path, source, encoding.codec)
    if animation is not None:
        writer = AnimationWriter(
            output, source, encoding, width, height, animation, threads=threads, segment_frames=limit
        )
    elif path.suffix.lower() not in STILL_SUFFIXES:
        writer = VideoWriter(output, source, encoding, width, height, threads=threads, segment_frames=limit)
    elif has_counter(path):
        writer = SequenceWriter(output, source, encoding, width, height, segment_frames=limit)
    else:
        writer = PictureWriter(output, source, encoding, width, height)
    if not resumable:
        try:
            writer.start()
        except MediaError:
            writer.abort()
            raise
    return writer
