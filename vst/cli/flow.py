"""`vst flow`: write the optical flow of a clip, or a video of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vst.cli.console import console_of
from vst.cli.nearest import NearestChoice
from vst.cli.options import INPUT_PATH, OUTPUT_PATH, device_option, precision_option, talk_options
from vst.cli.progress import clock, show_progress
from vst.cli.signals import stop_on_signals
from vst.distances import DISTANCES

_FORMATS = ("png", "flo")
_VIEWS = ("all", "color", "arrows", "mask")


class Distances(click.ParamType):
    """Distances: ``1,2,3``."""

    name = "N,N,..."

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The numbers in ascending order, each once."""
        if isinstance(value, tuple):
            return value
        parts = str(value).split(",")
        if not all(part.strip().isdecimal() for part in parts):
            self.fail(f"'{value}' is not valid; expected whole numbers such as 1,2,3", param, ctx)
        return tuple(sorted({int(part) for part in parts}))


@click.command("flow")
@click.argument("clip", type=INPUT_PATH)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write flow and masks to this folder, for 'vst render --flow file:FOLDER'.",
)
@click.option(
    "--view",
    type=OUTPUT_PATH,
    metavar="FILE",
    help="Write a video that shows the flow, or - for standard output.",
)
@click.option("-y", "--overwrite", is_flag=True, help="Replace outputs that exist.")
@click.option(
    "--flow",
    default="auto",
    show_default=True,
    help="Optical flow estimator, or file:FOLDER to read flow.",
)
@click.option(
    "--format",
    "form",
    type=NearestChoice(_FORMATS),
    default="png",
    show_default=True,
    metavar="|".join(_FORMATS),
    help="16-bit PNG in steps of 1/64 pixel, or exact .flo.",
)
@click.option(
    "--distances",
    type=Distances(),
    help="Distances in frames to the earlier frames (default: 1, which is what a render needs; "
    f"{','.join(map(str, DISTANCES))} are those by which vst evaluate measures what reappears).",
)
@click.option(
    "--size",
    type=int,
    metavar="PIXELS",
    help="Short side at which flow is estimated; by default as in a render, at most 480.",
)
@click.option(
    "--show",
    type=NearestChoice(_VIEWS),
    default="all",
    show_default=True,
    metavar="|".join(_VIEWS),
    help="Content of the video.",
)
@click.option(
    "--radius",
    type=float,
    metavar="PIXELS",
    help="Flow of full saturation; by default chosen from the clip.",
)
@device_option
@precision_option
@talk_options
@click.pass_context
def flow_command(
    context: click.Context, clip: Path, output: Path | None, view: Path | None, **options: Any
) -> None:
    """Estimate the optical flow of CLIP, to reuse it or to view it.

    Flow that is estimated once can be used for renders in many styles.
    """
    console = console_of(context)
    console.leave_stdout_to(view)
    with stop_on_signals(report=not console.quiet) as stop:
        from vst.pipeline.flow_export import FlowSettings, follow_motion

        given = {name: value for name, value in options.items() if value is not None}
        settings = FlowSettings(**given)
        with show_progress(console, clip.name) as show:
            report = follow_motion(clip, settings, folder=output, view=view, progress=show, stop=stop)
    for path in (report.folder, report.view):
        if path is not None:
            console.result(
                f"{path}: flow of {report.frames} frame{'' if report.frames == 1 else 's'} at "
                f"{report.width}×{report.height} by {report.estimator}, in {clock(report.seconds)}"
            )
    for note in report.notes:
        console.note(note)
    console.event(
        "done",
        source=str(report.source),
        folder=None if report.folder is None else str(report.folder),
        view=None if report.view is None else str(report.view),
        frames=report.frames,
        shots=report.shots,
        width=report.width,
        height=report.height,
        estimator=report.estimator,
        seconds=round(report.seconds, 3),
    )
