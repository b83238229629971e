"""`vst compare`: clips side by side in one video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vst.cli.console import console_of
from vst.cli.options import INPUT_PATH, OUTPUT_PATH, talk_options
from vst.cli.progress import clock, show_progress
from vst.cli.signals import stop_on_signals

MOVING = "moving"


class Divider(click.ParamType):
    """Position of the divider: a fraction of the width, or ``moving``."""

    name = "0..1|moving"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        """The fraction, or ``moving``."""
        if value == MOVING or isinstance(value, float):
            return value
        try:
            return float(value)
        except ValueError:
            self.fail(
                f"'{value}' is not a position; expected a fraction such as 0.5, or {MOVING}", param, ctx
            )


@click.command("compare")
@click.argument("clips", nargs=-1, required=True, type=INPUT_PATH)
@click.option(
    "-o",
    "--output",
    type=OUTPUT_PATH,
    required=True,
    metavar="FILE",
    help="The file to write, or - for standard output.",
)
@click.option("-y", "--overwrite", is_flag=True, help="Replace an output that exists.")
@click.option("--split", type=Divider(), help="Two clips: the first left of a divider, the second right.")
@click.option("--difference", is_flag=True, help="Two clips: their absolute difference.")
@click.option(
    "--gain",
    type=float,
    metavar="FACTOR",
    help="Factor by which the difference is amplified; 4 by default.",
)
@click.option("--labels", metavar="TEXT,TEXT", help="A label for each clip; by default the file names.")
@click.option("--no-labels", is_flag=True, help="Draw no labels.")
@click.option(
    "--size",
    type=int,
    metavar="PIXELS",
    help="Short side of each clip; by default that of the first.",
)
@click.option("--codec", metavar="CODEC", help="Video codec, as for 'vst render'.")
@click.option("--crf", type=int, metavar="N", help="Quality of the codec; smaller is better.")
@talk_options
@click.pass_context
def compare_command(
    context: click.Context,
    clips: tuple[Path, ...],
    output: Path,
    split: float | str | None,
    difference: bool,
    gain: float | None,
    labels: str | None,
    no_labels: bool,
    **options: Any,
) -> None:
    """Show two to four CLIPS of one scene in one video.

    Clips stand side by side, unless --split or --difference is given. Sound, timestamps and size are those
    of the first clip. The shortest clip ends the video.
    """
    console = console_of(context)
    console.leave_stdout_to(output)
    if split is not None and difference:
        raise click.UsageError("--split and --difference were both given; give one of them")
    if gain is not None and not difference:
        raise click.UsageError("--gain applies to --difference; give both")
    if labels is not None and no_labels:
        raise click.UsageError("--labels and --no-labels were both given; give one of them")
    given = {name: value for name, value in options.items() if value is not None}
    if split is not None:
        given |= {"layout": "split", "split": None if split == MOVING else split}
    if difference:
        given |= {"layout": "difference"} | ({} if gain is None else {"gain": gain})
    if labels is not None:
        given["labels"] = tuple(each.strip() for each in labels.split(","))
    elif no_labels:
        given["labels"] = ()
    with stop_on_signals(report=not console.quiet) as stop:
        from vst.pipeline.comparison import CompareSettings, compare

        settings = CompareSettings(**given)
        with show_progress(console, output.name) as show:
            report = compare(clips, output, settings, progress=show, stop=stop)
    console.result(
        f"{report.output}: {report.frames} frame{'' if report.frames == 1 else 's'} of {len(report.clips)} "
        f"clips at {report.width}×{report.height}, in {clock(report.seconds)}"
    )
    for note in report.notes:
        console.note(note)
    console.event(
        "done",
        clips=[str(path) for path in report.clips],
        output=str(report.output),
        frames=report.frames,
        width=report.width,
        height=report.height,
        seconds=round(report.seconds, 3),
    )
