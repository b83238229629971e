"""Options that several commands share, and what they make."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vst.cli.nearest import NearestChoice
from vst.cli.session import session_of
from vst.errors import UsageError

if TYPE_CHECKING:
    from vst.pipeline import RenderSettings


class FrameRate(click.ParamType):
    """``25``, ``23.976`` or ``24000/1001``; the usual decimals mean the usual fractions."""

    name = "RATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """The exact rate."""
        if isinstance(value, Fraction):
            return value
        try:
            rate = Fraction(str(value).strip())
        except (ValueError, ZeroDivisionError):
            self.fail(
                f"'{value}' cannot be read; write a number such as 25, 23.976 or 24000/1001", param, ctx
            )
        # 23.976, 29.97, 59.94 and 119.88 are written for what NTSC has.
        ntsc = Fraction(round(rate * 1001 / 1000) * 1000, 1001)
        return ntsc if rate.denominator > 1 and abs(rate - ntsc) < Fraction(1, 500) else rate


class TileSide(click.ParamType):
    """``auto``, ``off`` or a number of pixels."""

    name = "PIXELS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """What `RenderSettings.tile` takes."""
        if value == "auto":
            return None
        if value == "off":
            return 0
        try:
            return int(value)
        except ValueError:
            self.fail(f"'{value}' is not auto, off or a number of pixels", param, ctx)


Command = TypeVar("Command", bound=Callable[..., Any])


def _add(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator; help shows them in the order given."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _more(context: click.Context, parameter: click.Parameter, value: int) -> None:
    session = session_of(context)
    session.verbosity += value
    session.start_logging()


def _less(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    session = session_of(context)
    session.verbosity -= value
    session.start_logging()


def _json(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    session_of(context).json = value


verbose_option = click.option(
    "-v",
    "--verbose",
    count=True,
    is_eager=True,
    expose_value=False,
    callback=_more,
    help="Say more; -vv adds tracebacks.",
)
quiet_option = click.option(
    "-q",
    "--quiet",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_less,
    help="Say errors only.",
)
json_option = click.option(
    "--json",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_json,
    help="One JSON object a line on stdout, all else on stderr.",
)
weights_dir_option = click.option(
    "--weights-dir",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Look here for weights first.",
)

device_option = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:1."
)
precision_option = click.option(
    "--precision",
    type=NearestChoice(["auto", "fp32", "bf16", "fp16"]),
    default="auto",
    show_default=True,
    help="Arithmetic of the networks.",
)

talk_options = _add(json_option, verbose_option, quiet_option)

render_options = _add(
    click.option("--style", metavar="STYLE", help="A style, or a blend: candy:0.6+wave:0.4."),
    click.option(
        "--mode", default="vtn", show_default=True, help="How frames are painted; see 'vst modes'."
    ),
    click.option(
        "--quality",
        type=NearestChoice(["best", "standard", "fast"]),
        default="best",
        show_default=True,
        help="The widest weights that have the style, wide ones only, or the narrowest.",
    ),
    click.option(
        "--flow",
        default="auto",
        show_default=True,
        help="Optical flow estimator, or file:FOLDER for what 'vst flow' wrote.",
    ),
    click.option(
        "--strength", type=float, default=1.0, show_default=True, help="0 the clip, 1 the painting."
    ),
    click.option("--keep-color", is_flag=True, help="Keep the clip's own colours, take only the paint."),
    click.option(
        "--style-scale",
        type=float,
        metavar="FACTOR",
        help="Size of the strokes: 1 as at 480p (larger frames get these by default), 2 twice as broad.",
    ),
    click.option("--scale", type=float, metavar="FACTOR", help="Size of the output relative to the clip."),
    click.option("--size", type=int, metavar="PIXELS", help="Short side of the output."),
    click.option(
        "--hdr",
        type=NearestChoice(["tonemap", "keep"]),
        default="tonemap",
        show_default=True,
        help="HDR10 and HLG: to standard range, or carried through in 10 bits.",
    ),
    click.option(
        "--deinterlace",
        type=NearestChoice(["no", "frames", "fields"]),
        default="no",
        show_default=True,
        help="Interlaced clips: as they are, or one whole picture a frame or a field.",
    ),
    click.option(
        "--codec",
        help="h264 (default, for most clips), h265, av1, vp9, prores, dnxhr or ffv1; in hardware "
        "h264_nvenc, hevc_nvenc, h264_qsv, h264_vaapi, h264_videotoolbox and more, see 'vst doctor'.",
    ),
    click.option(
        "--hwaccel",
        default="none",
        show_default=True,
        metavar="none|auto|DEVICE",
        help="Decode in hardware: auto for what works, or cuda, vaapi, videotoolbox; see 'vst doctor'.",
    ),
    click.option("--crf", type=int, help="Quality of the codec, smaller is better."),
    click.option("--pix-fmt", help="Pixel format of the output, such as yuv420p10le."),
    device_option,
    precision_option,
    click.option(
        "--resume/--no-resume",
        default=True,
        help="Go on after what a stopped render of the same output finished (default), or begin anew.",
    ),
    click.option(
        "--max-damaged",
        type=int,
        default=10,
        show_default=True,
        metavar="N",
        help="So many damaged frames in a row are replaced by their neighbour; after more the clip ends.",
    ),
    click.option(
        "--min-free",
        type=float,
        default=256,
        show_default=True,
        metavar="MIB",
        help="Wait, for an hour at most, while less room than this is free on the disk; 0 never waits.",
    ),
    click.option(
        "--tile",
        type=TileSide(),
        default="auto",
        show_default=True,
        help="Paint in tiles of so many pixels, for less memory; auto does where frames are large; off.",
    ),
    click.option(
        "--threads", type=int, metavar="N", help="CPU threads of a render; all cores unless given."
    ),
    weights_dir_option,
    talk_options,
)
"""What `render` and `batch` have in common; `settings_from` takes their values."""


def settings_from(*, style: str | None, **options: Any) -> RenderSettings:
    """The settings that the options of `render_options`, and ``overwrite``, ask for.

    Raises:
        UsageError: No style was given, or a value is out of its range.
    """
    from vst.pipeline import RenderSettings

    if style is None:
        raise UsageError(f"no style given: {_which_styles(options['weights_dir'])}")
    return RenderSettings(style=style, **options)


def _which_styles(weights_dir: Path | None) -> str:
    from vst.styles import load_catalogue

    catalogue = load_catalogue(weights_dir)
    if catalogue.styles:
        return f"pass --style with one of {', '.join(catalogue.styles)}"
    where = ", ".join(map(str, catalogue.folders)) or "any weights folder"
    return f"there are no weights in {where}; pass --weights-dir and --style"
