"""`vst flow`: a clip's motion, kept or shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vst.cli.nearest import NearestChoice
from vst.cli.options import device_option, precision_option, talk_options
from vst.cli.progress import clock, show_progress
from vst.cli.session import session_of
from vst.cli.signals import stop_on_signals
from vst.distances import DISTANCES

FORMS = ("png", "flo")
SHOWS = ("all", "color", "arrows", "mask")


class Distances(click.ParamType):
    """``1,2,3``: whole numbers."""

    name = "N,N,..."

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The numbers, each once."""
        if isinstance(value, tuple):
            return value
        parts = str(value).split(",")
        if not all(part.strip().isdecimal() for part in parts):
            self.fail(f"'{value}' cannot be read; write whole numbers, such as 1,2,3", param, ctx)
        return tuple(sorted({int(part) for part in parts}))


@click.command("flow")
@click.argument("clip", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Keep flow and masks here, for 'vst render --flow file:FOLDER'.",
)
@click.option(
    "--view", type=click.Path(path_type=Path), metavar="FILE", help="Write a video that shows the motion."
)
@click.option("-y", "--overwrite", is_flag=True, help="Replace the outputs if they are there.")
@click.option(
    "--flow", default="auto", show_default=True, help="Optical flow estimator; file:FOLDER shows kept flow."
)
@click.option(
    "--format",
    "form",
    type=NearestChoice(FORMS),
    default="png",
    show_default=True,
    metavar="|".join(FORMS),
    help="16 bits in steps of 1/64 pixel, or exact.",
)
@click.option(
    "--distances",
    type=Distances(),
    help=f"How many frames back motion is estimated (default: {','.join(map(str, DISTANCES))}).",
)
@click.option(
    "--size",
    type=int,
    metavar="PIXELS",
    help="Short side at which motion is estimated; as a render does it unless given, so at most 480.",
)
@click.option(
    "--show",
    type=NearestChoice(SHOWS),
    default="all",
    show_default=True,
    metavar="|".join(SHOWS),
    help="What the view shows.",
)
@click.option(
    "--radius", type=float, metavar="PIXELS", help="Flow so long has a full colour; found unless given."
)
@device_option
@precision_option
@talk_options
@click.pass_context
def flow_command(
    context: click.Context, clip: Path, output: Path | None, view: Path | None, **options: Any
) -> None:
    """Estimate the motion of CLIP, to keep it or to look at it.

    A clip that is analysed once can be rendered in many styles.
    """
    session = session_of(context)
    with stop_on_signals(say=not session.quiet) as stop:
        from vst.pipeline.flow_export import FlowSettings, follow_motion

        given = {name: value for name, value in options.items() if value is not None}
        settings = FlowSettings(**given)
        with show_progress(session, clip.name) as show:
            report = follow_motion(clip, settings, folder=output, view=view, progress=show, stop=stop)
    for path in (report.folder, report.view):
        if path is not None:
            session.result(
                f"{path}: motion of {report.frames} frame{'' if report.frames == 1 else 's'} at "
                f"{report.width}×{report.height} by {report.estimator}, in {clock(report.seconds)}"
            )
    for note in report.notes:
        session.note(note)
    session.event(
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
