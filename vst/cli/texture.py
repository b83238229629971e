"""`vst texture`: a texture of a painting, still or moving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vst.cli.console import console_of
from vst.cli.options import output_option, some_options
from vst.cli.progress import show_progress
from vst.cli.signals import stop_on_signals
from vst.cli.synthesis_report import show_report
from vst.pipeline.options import options_of
from vst.pipeline.settings import RenderSettings
from vst.pipeline.synthesis_settings import ENCODING, OPTIMISATION, TextureSettings


@click.command("texture")
@click.argument("painting")
@output_option
@some_options((TextureSettings, None), (RenderSettings, (*OPTIMISATION, *ENCODING)))
@click.pass_context
def texture_command(context: click.Context, painting: str, output: Path, **options: Any) -> None:
    """Make a texture of PAINTING: its strokes and colours, and nothing that it shows.

    PAINTING is the path of a picture, or a blend such as a.jpg:0.6+b.jpg:0.4. With --frames the texture
    moves.
    """
    console = console_of(context)
    with stop_on_signals(report=not console.quiet, doing="step") as stop:
        from vst.pipeline.synthesis import make_texture

        texture = TextureSettings(
            **{each.name: options.pop(each.name) for each in options_of(TextureSettings)}
        )
        settings = RenderSettings(style=painting, mode="gatys", **options)
        with show_progress(console, output.name) as show:
            report = make_texture(settings, texture, output, progress=show, stop=stop, begun=console.note)
    show_report(console, report)
