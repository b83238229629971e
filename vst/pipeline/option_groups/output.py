"""Render options: how the output is encoded and written."""

from __future__ import annotations

from dataclasses import dataclass

from vst.pipeline.options import Effect, Range, option

MAX_DAMAGED = 10
"""Default of ``--max-damaged``."""
MIN_FREE_MIB = 256
"""Default of ``--min-free``."""
PIPE_FORMATS = ("mkv", "ts", "y4m")


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Options that say how the output is encoded and written.

    Many attributes: one for each option.
    """

    codec: str | None = option(
        None,
        type=str,
        metavar="CODEC",
        help="h264 (default for most clips), h265, av1, vp9, prores, dnxhr or ffv1; in hardware "
        "h264_nvenc, hevc_nvenc, h264_qsv, h264_vaapi, h264_videotoolbox and more, see 'vst doctor'; "
        "gif, webp or apng for animated pictures with these extensions.",
    )
    crf: int | None = option(None, type=int, metavar="N", help="Quality of the codec; smaller is better.")
    pix_fmt: str | None = option(
        None, type=str, metavar="FORMAT", help="Pixel format of the output, such as yuv420p10le."
    )
    pipe_format: str | None = option(
        None,
        type=str,
        choices=PIPE_FORMATS,
        in_batch=False,
        effect=Effect.NONE,
        help="Format of an output that is a pipe, such as -o -; by default that of its name, or mkv.",
    )
    overwrite: bool = option(
        False,
        type=bool,
        short="-y",
        effect=Effect.NONE,
        help="Replace an output that exists.",
        batch_help="Replace outputs that exist and are not up to date.",
    )
    provenance: bool = option(
        True,
        type=bool,
        effect=Effect.METADATA,
        help="Write style, mode, hash of the weights and version of vst into the metadata of the output "
        "(default), or leave them out.",
    )
    resume: bool = option(
        True,
        type=bool,
        effect=Effect.NONE,
        help="Continue a stopped render of the same output (default), or start anew.",
    )
    max_damaged: int = option(
        MAX_DAMAGED,
        type=int,
        metavar="N",
        range=Range(0, unit="frames"),
        effect=Effect.NONE,
        help="Replace up to N damaged frames in a row by a neighbour; more end the clip.",
    )
    min_free: float = option(
        MIN_FREE_MIB,
        type=float,
        metavar="MIB",
        range=Range(0, unit="MiB", low_means="never wait"),
        effect=Effect.NONE,
        help="Pause, for an hour at most, while the disk has less free space than this; 0 never pauses.",
    )
