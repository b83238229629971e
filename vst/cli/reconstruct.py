"""`vst reconstruct`: what a loss network sees of a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vst.cli.console import console_of
from vst.cli.nearest import NearestChoice
from vst.cli.options import output_option, some_options
from vst.cli.progress import show_progress
from vst.cli.signals import stop_on_signals
from vst.cli.synthesis_report import show_report
from vst.pipeline.settings import RenderSettings
from vst.pipeline.synthesis_settings import CONTENT, OPTIMISATION, PARTS


@click.command("reconstruct")
@click.argument("picture")
@output_option
@click.option(
    "--of",
    "part",
    type=NearestChoice(PARTS),
    default=CONTENT,
    show_default=True,
    help="What of the picture is kept.",
)
@some_options((RenderSettings, ("size", "content_layers", *OPTIMISATION)))
@click.pass_context
def reconstruct_command(
    context: click.Context, picture: str, output: Path, part: str, **options: Any
) -> None:
    """Make, from noise, a picture with only the content of PICTURE, or only its style.

    It shows what some layers of the loss network see: --content-layers or --style-layers says which.
    """
    console = console_of(context)
    with stop_on_signals(report=not console.quiet, doing="step") as stop:
        from vst.pipeline.synthesis import reconstruct

        settings = RenderSettings(style=picture, mode="gatys", **options)
        with show_progress(console, output.name) as show:
            report = reconstruct(settings, part, output, progress=show, stop=stop, begun=console.note)
    show_report(console, report)
