"""`vst evaluate`: how still paintings of a clip hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vst.cli.console import Console, console_of
from vst.cli.options import device_option, precision_option, talk_options
from vst.cli.progress import show_progress
from vst.cli.signals import stop_on_signals
from vst.cli.tables import show_table

if TYPE_CHECKING:
    from vst.evaluate.result import Evaluation

STILLNESS = ("E", "e_stab", "E_warp", "mse", "ssim")
LOOKS = ("reappearance", "content", "style", "gradient")
"""Columns: two tables, since one would be wider than a terminal."""


@click.command("evaluate")
@click.argument("clip", type=click.Path(path_type=Path))
@click.argument("painted", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--flow",
    default="dis",
    show_default=True,
    metavar="NAME",
    help="Whose motion judges: an estimator, farneback, or file:FOLDER for what 'vst flow' wrote.",
)
@click.option(
    "--second",
    default="auto",
    metavar="NAME",
    help="Another judge beside it, or none; farneback unless given.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A painting by --mode itn: blend, paste and still are made of it.",
)
@click.option(
    "--style",
    "styles",
    multiple=True,
    metavar="PICTURE",
    help="The style's own picture, for content and style loss; once for all, or once for each painting.",
)
@click.option(
    "--style-images",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="With pictures NAME.jpg, so that --style may be a NAME.",
)
@click.option(
    "--style-size",
    type=int,
    metavar="PIXELS",
    help="Longer side at which they are looked at; 512 by default.",
)
@click.option(
    "--loss-network",
    metavar="NAME",
    help="vgg16, vgg19 or a folder with one; what torch's cache has unless given.",
)
@click.option(
    "--loss-every",
    type=click.IntRange(min=1),
    metavar="N",
    help="Content and style of every so many frames; 8 by default.",
)
@click.option("--size", type=int, metavar="PIXELS", help="Short side at which all is measured.")
@click.option("--frames", type=int, metavar="N", help="At most so many frames.")
@click.option("--scene", metavar="NAME", help="Which scene, where CLIP is a folder in Sintel's layout.")
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a page with curves and pictures.",
)
@click.option("-y", "--overwrite", is_flag=True, help="Replace the report if it is there.")
@device_option
@precision_option
@talk_options
@click.pass_context
def evaluate_command(
    context: click.Context,
    clip: Path,
    painted: tuple[Path, ...],
    report: Path | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Measure how still the PAINTED versions of CLIP hold.

    CLIP is a video, a folder of pictures, or one in the layout of MPI Sintel, whose exact motion then
    judges. Each number is a mean over the clip, with that over the last quarter of each shot below it.

    E is the mean squared difference of each frame and the one before, moved along by optical flow, where
    that can be trusted; e_stab its root; E_warp the same by trusted pixel; mse and ssim compare neighbours
    as they are; reappearance is E of what was out of sight for some frames; content and style are the
    losses of training; gradient is the amount of detail, which blur lowers.
    """
    console = console_of(context)
    with stop_on_signals(report=not console.quiet) as stop:
        from vst.evaluate.evaluation import evaluate
        from vst.evaluate.report import check_report, write_report
        from vst.evaluate.settings import EvaluateSettings

        settings = EvaluateSettings(**{name: value for name, value in options.items() if value is not None})
        if report is not None:
            check_report(report, (clip, *painted), overwrite)
        with show_progress(console, clip.name) as show:
            found = evaluate(clip, painted, settings, progress=show, stop=stop)
        if report is not None:
            write_report(found, report)
    if console.json:
        _events(console, found)
    else:
        _tables(console, found)
    for note in found.notes:
        console.note(note)
    if report is not None:
        console.result(f"{report}: the curves and the worst frames")
    console.event(
        "done",
        source=str(clip),
        frames=found.frames,
        width=found.width,
        height=found.height,
        cuts=list(found.cuts),
        judges=list(found.judges),
        report=None if report is None else str(report),
        seconds=round(found.seconds, 3),
    )


def _events(console: Console, found: Evaluation) -> None:
    for result in found.results:
        console.event(
            "row",
            judge=result.judge,
            name=result.name,
            type=result.kind,
            mean=dict(result.summary.mean),
            last_quarter=dict(result.summary.last_quarter),
            frames=[{"frame": each.index, "shot": each.shot, **each.values} for each in result.points],
        )


def _tables(console: Console, found: Evaluation) -> None:
    for judge in found.judges:
        console.result(f"{found.frames} frames at {found.width}×{found.height}, judged by {judge} motion")
        _table(console, found, judge, STILLNESS)
        # What no judge is needed for stands below the first; what came back below the one who can tell.
        _table(console, found, judge, LOOKS if judge == found.judges[0] else LOOKS[:1])


def _table(console: Console, found: Evaluation, judge: str, columns: tuple[str, ...]) -> None:
    rows = found.of_judge(judge)
    shown = [name for name in columns if any(name in row.summary.mean for row in rows)]
    if not shown or console.quiet:
        return
    lines = []
    for row in rows:
        for name, values in ((row.name, row.summary.mean), ("  last quarter", row.summary.last_quarter)):
            cells = {column: f"{values[column]:.3g}" if column in values else "" for column in shown}
            if any(cells.values()):
                lines.append({"": name, **cells})
    show_table(console, ("", *shown), lines)
    console.result("")
