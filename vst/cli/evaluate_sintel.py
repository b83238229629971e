"""`vst evaluate-sintel`: modes and styles on scenes with exact flow, as in table 6.1 of the thesis."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vst.cli.console import Console, console_of
from vst.cli.evaluate import row_event
from vst.cli.nearest import NearestChoice
from vst.cli.options import device_option, precision_option, talk_options, weights_dir_option
from vst.cli.progress import show_progress
from vst.cli.signals import stop_on_signals
from vst.cli.tables import show_table

if TYPE_CHECKING:
    from vst.evaluate.scene_table import SceneTable
    from vst.progress import Progress


@click.command("evaluate-sintel")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="The folder to write: stylized frames, tables, and a report for each scene and style.",
)
@click.option(
    "--style",
    "styles",
    multiple=True,
    required=True,
    metavar="STYLE",
    help="A style; repeat it for several.",
)
@click.option(
    "--mode",
    "modes",
    multiple=True,
    default=("itn", "vtn"),
    show_default="itn and vtn",
    metavar="MODE",
    help="A mode; repeat it for several. Ratios are relative to the first.",
)
@click.option(
    "--scene",
    "scenes",
    multiple=True,
    metavar="NAME",
    help="A scene; repeat it for several; all by default.",
)
@click.option(
    "--quality",
    type=NearestChoice(["best", "standard", "fast"]),
    default="best",
    show_default=True,
    help="As of 'vst render'.",
)
@click.option(
    "--flow", default="auto", show_default=True, help="Flow estimator of the renders, as of 'vst render'."
)
@click.option(
    "--frames", type=click.IntRange(min=2), metavar="N", help="Maximal number of frames of a scene."
)
@click.option(
    "--style-images",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Pictures STYLE.jpg, to measure content and style loss as well.",
)
@click.option(
    "--loss-network",
    metavar="NAME",
    help="vgg16, vgg19 or a folder with one; by default the one in torch's cache.",
)
@click.option("-y", "--overwrite", is_flag=True, help="Overwrite an existing table, and render all again.")
@device_option
@precision_option
@weights_dir_option
@talk_options
@click.pass_context
def evaluate_sintel_command(
    context: click.Context,
    folder: Path,
    output: Path,
    styles: tuple[str, ...],
    modes: tuple[str, ...],
    scenes: tuple[str, ...],
    overwrite: bool,
    frames: int | None,
    style_images: Path | None,
    loss_network: str | None,
    device: str,
    precision: str,
    **options: Any,
) -> None:
    """Render and measure the scenes of FOLDER, which is in the layout of MPI Sintel.

    Prints the temporal error E of every scene, style and mode, with the exact flow of the data set, in
    squared 8-bit levels: table 6.1 of the thesis. The reports and curves.csv have the values of every
    frame, with the squared error and structural similarity of adjacent frames (figures 6.51 and 6.52).
    When a stopped command is given again, it continues after the last complete scene and mode.
    """
    console = console_of(context)
    with stop_on_signals(report=not console.quiet) as stop:
        from vst.evaluate.evaluation_settings import EvaluateSettings
        from vst.evaluate.scene_table import evaluate_scenes

        renders = {"frames": frames, "device": device, "precision": precision, "overwrite": True, **options}
        table = evaluate_scenes(
            folder,
            output,
            styles=styles,
            modes=modes,
            render=_renderer(styles, modes, renders, stop),
            watch=lambda title: show_progress(console, title),
            scenes=scenes,
            settings=EvaluateSettings(
                style_images=style_images,
                loss_network=loss_network,
                frames=frames,
                device=device,
                precision=precision,
            ),
            overwrite=overwrite,
            stop=stop,
        )
    _show(console, table)
    for note in dict.fromkeys(table.notes):
        console.note(note)
    console.result(f"{output}: table.csv, curves.csv, and a report for each scene and style")
    console.event("done", source=str(folder), output=str(output), evaluations=len(table.evaluations))


def _renderer(
    styles: Sequence[str], modes: Sequence[str], options: dict[str, Any], stop: threading.Event
) -> Callable[[Path, Path, str, str, Callable[[Progress], None]], None]:
    """What renders one scene; all settings are checked first.

    Raises:
        UsageError: An unknown style, mode, device or estimator.
    """
    from vst.pipeline import RenderSettings, render
    from vst.pipeline.plan import plan_render

    settings = {
        (style, mode): RenderSettings(style=style, mode=mode, **options)
        for style in styles
        for mode in modes
    }
    for each in settings.values():
        plan_render("frame_%04d.png", each, "frame_%04d.png")

    def render_scene(
        frames: Path, output: Path, style: str, mode: str, progress: Callable[[Progress], None]
    ) -> None:
        render(frames, settings[style, mode], output, progress=progress, stop=stop)

    return render_scene


def _show(console: Console, table: SceneTable) -> None:
    if console.json:
        for each in table.evaluations:
            for row in each.evaluation.rows:
                console.event("row", scene=each.scene, style=each.style, **row_event(row))
        return
    if console.quiet:
        return
    console.result("temporal error E with exact flow, mean over each scene, in squared 8-bit levels")
    for rows, form in ((table.errors(), ".2f"), (table.ratios(), ".2f")):
        columns = tuple(rows[0])
        if len(columns) > 1:
            show_table(
                console, columns, [{name: _cell(row[name], form) for name in columns} for row in rows]
            )
            console.result("")


def _cell(value: str | float | None, form: str) -> str:
    return "" if value is None else value if isinstance(value, str) else format(value, form)
