"""`vst mask`: make a mask for a clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vst.cli.console import console_of
from vst.cli.options import INPUT_PATH, Parsed, device_option, precision_option, talk_options
from vst.cli.progress import clock, show_progress
from vst.cli.signals import stop_on_signals
from vst.pipeline.mask_settings import MaskSettings, parse_chroma, parse_luma, parse_rectangle


@click.command("mask")
@click.argument("clip", type=INPUT_PATH)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The mask to write: a video such as mask.mkv, or a sequence such as mask/%04d.png.",
)
@click.option("--luma", type=Parsed(parse_luma, "LOW,HIGH"), help="What has this luma, 0 to 1.")
@click.option(
    "--chroma",
    type=Parsed(parse_chroma, "COLOUR,RANGE"),
    help="What has nearly this colour, such as '#00b140' or green, however bright: RANGE is 0 to 1.",
)
@click.option("--motion", is_flag=True, help="What moves against the camera.")
@click.option(
    "--rectangle", type=Parsed(parse_rectangle, "X,Y,WIDTH,HEIGHT"), help="A rectangle, in pixels."
)
@click.option(
    "--from",
    "first",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What is white in this picture of the first frame, tracked by its motion up to the first cut.",
)
@click.option("-y", "--overwrite", is_flag=True, help="Replace an output that exists.")
@click.option("--flow", default="auto", show_default=True, help="Optical flow estimator.")
@device_option
@precision_option
@talk_options
@click.pass_context
def mask_command(context: click.Context, clip: Path, output: Path, **options: Any) -> None:
    """Make a mask for CLIP, for --mask and --region of 'vst render': white is inside, black is outside."""
    console = console_of(context)
    settings = MaskSettings(**options)
    with stop_on_signals(report=not console.quiet) as stop:
        from vst.pipeline.mask_maker import make_mask

        with show_progress(console, clip.name) as show:
            report = make_mask(clip, output, settings, progress=show, stop=stop)
    frames = f"{report.frames} frame{'' if report.frames == 1 else 's'}"
    console.result(
        f"{report.output}: mask of {frames}, {100 * report.inside:.1f} % inside, in {clock(report.seconds)}"
    )
    for note in report.notes:
        console.note(note)
    console.event(
        "done",
        source=str(report.source),
        output=str(report.output),
        frames=report.frames,
        inside=round(report.inside, 4),
        seconds=round(report.seconds, 3),
    )
