"""`vst render`: one clip or picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vst.cli.console import console_of
from vst.cli.options import render_options, settings_from
from vst.cli.progress import clock, show_progress
from vst.cli.signals import stop_on_signals


@click.command("render")
@click.argument("clip", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file to write; by default CLIP.STYLE beside the clip.",
)
@render_options()
@click.pass_context
def render_command(context: click.Context, clip: Path, output: Path | None, **options: Any) -> None:
    """Stylize CLIP: a video, a picture, or an image sequence such as shots/%04d.exr.

    Sound, timing and colour description are kept. A stopped render continues when the same command is given
    again.
    """
    console = console_of(context)
    with stop_on_signals(report=not console.quiet) as stop:
        from vst.pipeline import render

        settings = settings_from(**options)
        with show_progress(console, clip.name) as show:
            begun: list[str] = []

            def note(notes: tuple[str, ...]) -> None:
                begun.extend(notes)
                for each in notes:
                    console.note(each)

            report = render(clip, settings, output, progress=show, stop=stop, begun=note)
    rendered = report.frames - report.resumed
    fps = rendered / report.seconds if report.seconds > 0 else 0.0
    of_them = f", {rendered} of them" if report.resumed else ""
    console.result(
        f"{report.output}: {_count(report.frames)}{of_them} in {clock(report.seconds)}, {fps:.2f} frames/s"
    )
    for each in report.notes:
        if each not in begun:
            console.note(each)
    console.event(
        "done",
        source=str(report.source),
        output=str(report.output),
        frames=report.frames,
        shots=report.shots,
        resumed=report.resumed,
        seconds=round(report.seconds, 3),
        fps=round(fps, 3),
    )


def _count(frames: int) -> str:
    return f"{frames} frame" + ("" if frames == 1 else "s")
