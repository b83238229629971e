"""`RenderSettings`: the table of render options.

A new option is one new field of this class. `vst.pipeline.options` says what is made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vst.keyframe_interval import AUTO, MAX_INTERVAL
from vst.pipeline.option_values import check_hwaccel, parse_frame_rate, parse_interval, parse_tile
from vst.pipeline.options import (
    Effect,
    Frei0rParameter,
    OpenFxParameter,
    Range,
    check_value,
    option,
    options_of,
    validate,
)

if TYPE_CHECKING:
    from vst.media.decode.clip_range import ClipRange, PositionLike

MAX_SIDE = 16384
"""Longest side of an output in pixels; libx264 accepts no longer one."""
MAX_THREADS = 1024
MAX_FPS = 1000
MAX_DAMAGED = 10
"""Default of ``--max-damaged``."""
MIN_FREE_MIB = 256
"""Default of ``--min-free``."""
MIN_TILE = 64
"""Smallest side of a tile in pixels; a smaller one would mostly be overlap with its neighbours."""

LOOK_AHEAD = ("auto", "0")
QUALITIES = ("best", "standard", "fast")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
HDR_MODES = ("tonemap", "keep")
INPUT_COLORS = ("auto", "linear", "srgb", "acescct", "cineon", "slog3", "logc3")
PIPE_FORMATS = ("mkv", "ts", "y4m")
DEINTERLACE_MODES = ("no", "frames", "fields")


@dataclass(frozen=True, kw_only=True)
class RenderSettings:
    """Everything about a render but its file names. Each field is one option, described by its ``help``.

    Two renders of one clip with equal settings, on equal hardware, give equal frames.

    Many attributes: one for each option; the table of options is this class.

    Raises:
        UsageError: for values that an option does not accept.
    """

    style: str = option(
        type=str,
        metavar="STYLE",
        help="A style, or a blend such as candy:0.6+wave:0.4.",
        openfx=OpenFxParameter(position=0, name="style", label="Style", choices={}, hint="The style."),
        frei0r=Frei0rParameter(position=0, name="style"),
    )
    mode: str = option(
        "vtn",
        type=str,
        metavar="MODE",
        help="How frames are stylized: a name that 'vst modes' lists.",
        openfx=OpenFxParameter(
            position=2,
            name="mode",
            label="Mode",
            choices={},
            hint="vtn: strokes follow the motion. itn: each frame independently.",
        ),
        frei0r=Frei0rParameter(
            position=1, name="mode", hint="vtn: strokes follow the motion; itn: each frame independently"
        ),
    )
    quality: str = option(
        "best",
        type=str,
        choices=QUALITIES,
        effect=Effect.RESOLVED,
        help="Width of the network: the widest that has the style, only a wide one, or the narrowest.",
    )
    flow: str = option(
        "auto",
        type=str,
        metavar="FLOW",
        effect=Effect.RESOLVED,
        help="Optical flow estimator, or file:FOLDER for flow that 'vst flow' wrote.",
    )
    keyframe_interval: int | None = option(
        None,
        type=parse_interval,
        metavar="FRAMES",
        range=Range(1, MAX_INTERVAL, unit="frames", special=(AUTO, "auto")),
        help="Stylize one frame in so many, and carry it to the frames between: auto (a third of a "
        "second), or a number; 1 stylizes every frame. By default auto with vtn, 1 with other modes.",
        openfx=OpenFxParameter(
            position=12,
            name="keyframeInterval",
            label="Keyframe interval",
            low=0,
            hint="Stylize one frame in so many, and carry it to the frames between. 0 chooses: one in a "
            "third of a second with vtn, every frame with other modes.",
        ),
        frei0r=Frei0rParameter(
            position=9,
            name="keyframe_interval",
            full_scale=MAX_INTERVAL,
            hint="as --keyframe-interval of 'vst render', divided by 16; 0 chooses",
        ),
    )
    look_ahead: str = option(
        "auto",
        type=str,
        choices=LOOK_AHEAD,
        help="Frames between two keyframes: auto waits for the later one and uses both, 0 uses the earlier "
        "one alone, for live use.",
        openfx=OpenFxParameter(
            position=13, name="lookAhead", label="Look-ahead", choices={"auto": 0, "0": 1}
        ),
    )
    strength: float = option(
        1.0,
        type=float,
        metavar="0..1",
        range=Range(0, 1, low_means="the clip", high_means="the stylization"),
        help="Mix of clip and stylization: 0 is the clip, 1 the stylization.",
        openfx=OpenFxParameter(position=3, name="strength", label="Strength", animates=True),
        frei0r=Frei0rParameter(position=2, name="strength"),
    )
    keep_color: bool = option(
        False,
        type=bool,
        help="Keep the clip's colour; take only the luminance of the stylization.",
        openfx=OpenFxParameter(position=4, name="keepColor", label="Keep colour"),
        frei0r=Frei0rParameter(position=3, name="keep_color"),
    )
    keep_borders: bool = option(
        True,
        type=bool,
        help="Leave borders of one colour as they are, such as letterbox bars, and stylize the picture "
        "inside as if they were not there (default), or stylize them too.",
        openfx=OpenFxParameter(
            position=11,
            name="keepBorders",
            label="Keep borders",
            hint="Leave borders of one colour as they are, such as letterbox bars, and stylize the picture "
            "inside as if they were not there.",
        ),
        frei0r=Frei0rParameter(
            position=8,
            name="keep_borders",
            hint="leave borders of one colour, such as letterbox bars, as they are",
        ),
    )
    follow_light: bool = option(
        True,
        type=bool,
        help="Dark frames stay dark, and white ones white: a fade to black ends black.",
    )
    style_scale: float | None = option(
        None,
        type=float,
        metavar="FACTOR",
        range=Range(0.1, 10, low_means="fine strokes", high_means="broad strokes"),
        help="Size of the strokes relative to the frame: 1 as at 480p, 2 twice as broad. By default 1, but "
        "frames up to 600p are stylized at their own size.",
        openfx=OpenFxParameter(
            position=5,
            name="styleScale",
            label="Stroke size",
            low=0,
            slider_high=4,
            hint="Size of the strokes: 1 as at 480p, 2 twice as broad; 0 chooses as 'vst render' does.",
        ),
        frei0r=Frei0rParameter(
            position=4,
            name="style_scale",
            full_scale=10,
            hint="size of the strokes divided by 10; 0 chooses as 'vst render' does",
        ),
    )
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
    device: str = option(
        "auto",
        type=str,
        metavar="DEVICE",
        effect=Effect.RESOLVED,
        help="auto, cpu, cuda or cuda:N.",
        openfx=OpenFxParameter(
            position=7,
            name="device",
            label="Device",
            choices={"auto": 0, "cpu": 1, "cuda": 2},
            hint="The processor that the networks run on.",
        ),
        frei0r=Frei0rParameter(position=5, name="device"),
    )
    precision: str = option(
        "auto",
        type=str,
        choices=PRECISIONS,
        effect=Effect.RESOLVED,
        help="Floating-point type of the networks.",
    )
    tile: int | None = option(
        None,
        type=parse_tile,
        metavar="PIXELS",
        default_text="auto",
        range=Range(MIN_TILE, MAX_SIDE, unit="pixels", special=(0, "no tiles")),
        help="Stylize in tiles with sides of this length, to save memory: auto (if a frame would take "
        "more than 2 GiB), off, or a number.",
    )
    threads: int | None = option(
        None,
        type=int,
        metavar="N",
        range=Range(1, MAX_THREADS),
        effect=Effect.ROUNDING,
        help="CPU threads of a render; all cores by default.",
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
    weights_dir: Path | None = option(
        None,
        type=Path,
        metavar="FOLDER",
        effect=Effect.RESOLVED,
        help="Look for weights in this folder first.",
        openfx=OpenFxParameter(position=10, name="weights", label="Weights"),
        frei0r=Frei0rParameter(position=6, name="weights"),
    )

    def __post_init__(self) -> None:
        validate(self)
        if (self.start, self.end, self.frames) != (None, None, None):
            _ = self.clip_range

    @property
    def clip_range(self) -> ClipRange:
        """The part of the clip that is rendered.

        Raises:
            UsageError: for a start or end that cannot be read, or an end that is not after the start.
        """
        from vst.media.decode.clip_range import parse_range

        return parse_range(self.start, self.end, self.frames)

    @classmethod
    def check(cls, **values: Any) -> None:
        """Check single values, for a caller that has no whole settings.

        Args:
            **values: By field name.

        Raises:
            UsageError: for a value that its option does not accept.
        """
        for each in options_of(cls):
            if each.name in values:
                check_value(each, values[each.name])
