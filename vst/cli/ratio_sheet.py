"""`vst sheet`: one picture in one style at several weights and layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vst.cli.console import console_of
from vst.cli.options import Parsed, output_option, some_options
from vst.cli.progress import clock, show_progress
from vst.cli.signals import stop_on_signals
from vst.errors import UsageError
from vst.pipeline.settings import RenderSettings
from vst.pipeline.synthesis_settings import OPTIMISATION


def _ratios(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(each) for each in text.split(","))
    except ValueError:
        raise UsageError(f"{text!r} are no ratios; expected numbers such as 0.001,0.01,0.1") from None


@click.command("sheet")
@click.argument("photo", type=click.Path(path_type=Path))
@output_option
@click.option(
    "--ratios",
    type=Parsed(_ratios, "X,X"),
    default=(0.001, 0.01, 0.05, 0.2),
    show_default="0.001,0.01,0.05,0.2",
    help="Of the content weight to the style weight: one column each.",
)
@some_options((RenderSettings, ("style", "size", "style_scale", "content_layers", *OPTIMISATION)))
@click.pass_context
def sheet_command(
    context: click.Context, photo: Path, output: Path, ratios: tuple[float, ...], style: str, **options: Any
) -> None:
    """Show PHOTO in a style at several ratios of content to style, and style at more and more layers.

    A row for each of --style-layers compares style at that layer and those before it.
    """
    console = console_of(context)
    if style is None:
        raise UsageError("no style given: pass --style with the path of a painting")
    with stop_on_signals(report=not console.quiet, doing="step") as stop:
        from vst.pipeline.ratio_sheet import make_ratio_sheet

        settings = RenderSettings(style=style, mode="gatys", **options)
        with show_progress(console, output.name) as show:
            report = make_ratio_sheet(
                photo, settings, output, ratios, progress=show, stop=stop, begun=console.note
            )
    cells = len(report.ratios) * len(report.layers)
    console.result(f"{report.output}: {cells} pictures, in {clock(report.seconds)}")
    console.event(
        "done",
        output=str(report.output),
        ratios=list(report.ratios),
        layers=[list(each) for each in report.layers],
        seconds=round(report.seconds, 3),
    )
