"""Render options: which frames are read, how their samples are read, and the size of the output."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from vst.pipeline.option_values import MAX_SIDE, check_hwaccel, parse_frame_rate
from vst.pipeline.options import Range, option

if TYPE_CHECKING:
    from vst.media.decode.clip_range import PositionLike

MAX_FPS = 1000
HDR_MODES = ("tonemap", "keep")
INPUT_COLORS = ("auto", "linear", "srgb", "acescct", "cineon", "slog3", "logc3")
DEINTERLACE_MODES = ("no", "frames", "fields")


@dataclass(frozen=True, kw_only=True)
class ClipOptions:
    """Options that say which frames are read, how their samples are read, and the size of the output.

    Many attributes: one for each option.
    """

    scale: float | None = option(
        None,
        type=float,
        metavar="FACTOR",
        range=Range(0, 8, above_low=True),
        help="Size of the output relative to the clip's.",
    )
    size: int | None = option(
        None,
        type=int,
        metavar="PIXELS",
        range=Range(16, MAX_SIDE, unit="pixels"),
        excludes="scale",
        help="Short side of the output. Not together with --scale.",
    )
    start: PositionLike | None = option(
        None,
        type=str,
        metavar="TIME",
        in_batch=False,
        help="First frame: seconds (12.5), 0:00:12.5, or a frame number from 0 (300f).",
    )
    end: PositionLike | None = option(
        None,
        type=str,
        metavar="TIME",
        in_batch=False,
        help="End, written as --start; the frame at that time is not rendered.",
    )
    frames: int | None = option(
        None,
        type=int,
        metavar="N",
        range=Range(1),
        excludes="end",
        in_batch=False,
        help="Largest number of frames. Not together with --end.",
    )
    fps: Fraction | None = option(
        None,
        type=parse_frame_rate,
        metavar="RATE",
        range=Range(0, MAX_FPS, above_low=True),
        in_batch=False,
        help="Frame rate of an image sequence, such as 25 or 24000/1001; what its files contain, or 24, by "
        "default.",
    )
    input_color: str = option(
        "auto",
        type=str,
        choices=INPUT_COLORS,
        in_batch=False,
        help="What the samples of pictures and image sequences mean: auto is linear light in OpenEXR and "
        "sRGB in other files. The output has the same, if it has the same format.",
    )
    hdr: str = option(
        "tonemap",
        type=str,
        choices=HDR_MODES,
        help="HDR10 and HLG clips: tone-map to SDR, or keep HDR in 10 bits.",
    )
    deinterlace: str = option(
        "no",
        type=str,
        choices=DEINTERLACE_MODES,
        help="Interlaced clips: no deinterlacing, one output frame a frame, or one a field.",
    )
    hwaccel: str = option(
        "none",
        type=str,
        metavar="none|auto|DEVICE",
        check=check_hwaccel,
        help="Hardware decoding: auto for any device that works, or a kind such as cuda; see 'vst doctor'.",
    )
