"""`vst evaluate`: temporal stability of stylized versions of a clip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vst.cli.console import Console, console_of
from vst.cli.options import INPUT_PATH, device_option, precision_option, talk_options
from vst.cli.progress import show_progress
from vst.cli.signals import stop_on_signals
from vst.cli.tables import show_table

if TYPE_CHECKING:
    from vst.evaluate.metrics.metric import Metric
    from vst.evaluate.result import Evaluation, EvaluationRow


def _list_metrics(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Print the registry of metrics and exit."""
    if not value or context.resilient_parsing:
        return
    from vst.evaluate.metrics import METRICS

    rows = [
        {"metric": each.name, "unit": each.unit, "better": each.better, "definition": each.definition}
        for each in METRICS.values()
    ]
    show_table(console_of(context), tuple(rows[0]), rows)
    context.exit()


@click.command("evaluate")
@click.argument("clip", type=INPUT_PATH)
@click.argument("stylized", nargs=-1, required=True, type=INPUT_PATH)
@click.option(
    "--flow",
    default="dis",
    show_default=True,
    metavar="NAME",
    help="The reference flow: an estimator, farneback, or file:FOLDER for what 'vst flow' wrote.",
)
@click.option(
    "--second",
    default="auto",
    metavar="NAME",
    help="A second reference flow, or none; by default farneback.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A version by --mode itn: the baselines blend, paste and still are computed from it.",
)
@click.option(
    "--style",
    "styles",
    multiple=True,
    metavar="PICTURE",
    help="The style image, for content and style loss; once for all versions, or once for each.",
)
@click.option(
    "--style-images",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Folder with pictures NAME.jpg, so that --style can be a NAME.",
)
@click.option(
    "--style-size",
    type=int,
    metavar="PIXELS",
    help="Longer side of the style images; 512 by default.",
)
@click.option(
    "--loss-network",
    metavar="NAME",
    help="vgg16, vgg19 or a folder with one; by default the one in torch's cache.",
)
@click.option(
    "--loss-every",
    type=click.IntRange(min=1),
    metavar="N",
    help="Measure content and style at every N-th frame; 7 by default.",
)
@click.option("--size", type=int, metavar="PIXELS", help="Short side at which frames are compared.")
@click.option("--frames", type=int, metavar="N", help="Maximal number of frames.")
@click.option("--scene", metavar="NAME", help="Name of a scene, where CLIP is a folder in Sintel's layout.")
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write an HTML page with curves and the worst frames.",
)
@click.option("-y", "--overwrite", is_flag=True, help="Overwrite the report if it exists.")
@click.option(
    "--list-metrics",
    is_flag=True,
    expose_value=False,
    callback=_list_metrics,
    is_eager=True,
    help="Print name, unit and definition of every metric, and exit.",
)
@device_option
@precision_option
@talk_options
@click.pass_context
def evaluate_command(
    context: click.Context,
    clip: Path,
    stylized: tuple[Path, ...],
    report: Path | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Measure the temporal stability of the STYLIZED versions of CLIP.

    CLIP is a video, a folder of images, or one in the layout of MPI Sintel, whose exact flow is then the
    reference. Each number is a mean over the clip, with that over the last quarter of each shot below it.

    E, the temporal error, is the mean squared difference of adjacent frames after motion compensation by
    the reference flow. --list-metrics defines all metrics.
    """
    console = console_of(context)
    with stop_on_signals(report=not console.quiet) as stop:
        from vst.evaluate.evaluation import evaluate
        from vst.evaluate.evaluation_settings import EvaluateSettings
        from vst.evaluate.report import write_report
        from vst.files import check_new_file

        settings = EvaluateSettings(**{name: value for name, value in options.items() if value is not None})
        if report is not None:
            check_new_file(report, overwrite, (clip, *stylized))
        with show_progress(console, clip.name) as show:
            found = evaluate(clip, stylized, settings, progress=show, stop=stop)
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
        judges=list(found.references),
        report=None if report is None else str(report),
        seconds=round(found.seconds, 3),
    )


def row_event(row: EvaluationRow) -> dict[str, Any]:
    """One row as JSON, with the values of every frame."""
    return {
        "judge": row.reference,
        "name": row.name,
        "type": row.kind,
        "mean": dict(row.summary.mean),
        "last_quarter": dict(row.summary.last_quarter),
        "frames": [{"frame": each.index, "shot": each.shot, **each.values} for each in row.points],
    }


def _events(console: Console, found: Evaluation) -> None:
    for row in found.rows:
        console.event("row", **row_event(row))


def _tables(console: Console, found: Evaluation) -> None:
    from vst.evaluate.metrics import METRICS

    # Two tables under the first reference flow, since one would be wider than a terminal.
    for place, reference in enumerate(found.references):
        console.result(
            f"{found.frames} frames at {found.width}×{found.height}, reference flow: {reference}"
        )
        shown = [metric for metric in METRICS.values() if metric.uses_motion or not place]
        appearance = [metric for metric in shown if metric.section == "appearance"]
        _table(console, found.under(reference), [each for each in shown if each not in appearance])
        _table(console, found.under(reference), appearance)


def _table(console: Console, rows: list[EvaluationRow], metrics: list[Metric]) -> None:
    shown = [metric for metric in metrics if any(metric.name in row.summary.mean for row in rows)]
    if not shown or console.quiet:
        return
    lines = []
    for row in rows:
        for name, values in ((row.name, row.summary.mean), ("  last quarter", row.summary.last_quarter)):
            cells = {metric.name: metric.show(values.get(metric.name)) for metric in shown}
            if any(cells.values()):
                lines.append({"": name, **cells})
    show_table(console, ("", *(metric.name for metric in shown)), lines)
    console.result("")
