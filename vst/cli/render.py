"""`vst render`: one clip or picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from vst.cli.console import console_of
from vst.cli.options import (
    INPUT_PATH,
    OUTPUT_PATH,
    SectionCommand,
    check_ray,
    ray_options,
    render_options,
    settings_from,
)
from vst.cli.progress import clock, show_progress
from vst.cli.render_report import show_report
from vst.cli.signals import stop_on_signals
from vst.errors import UsageError
from vst.stream_paths import is_output_stream, is_stream

if TYPE_CHECKING:
    from vst.pipeline import Report


@click.command("render", cls=SectionCommand)
@click.argument("clip", type=INPUT_PATH)
@click.option(
    "-o",
    "--output",
    type=OUTPUT_PATH,
    metavar="FILE",
    help="The file to write, or - for standard output; by default CLIP.STYLE beside the clip.",
)
@ray_options
@render_options()
@click.pass_context
def render_command(
    context: click.Context,
    clip: Path,
    output: Path | None,
    ray: str | None,
    allow_mixed: bool,
    **options: Any,
) -> None:
    """Stylize CLIP: a video, a picture, an image sequence such as shots/%04d.exr, or - for standard input.

    Sound, timing and colour description are kept. A stopped render continues when the same command is given
    again.
    """
    console = console_of(context)
    console.leave_stdout_to(output)
    _check_resume(context, clip, output)
    check_ray(ray, allow_mixed)
    with stop_on_signals(report=not console.quiet) as stop:
        settings = settings_from(**options)
        render = _renderer(ray, allow_mixed)
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
    line = (
        f"{report.output}: {_count(report.frames)}{of_them} in {clock(report.seconds)}, {fps:.2f} frames/s"
    )
    show_report(console, report, line, begun, fps=round(fps, 3))


def _renderer(ray: str | None, allow_mixed: bool) -> Callable[..., Report]:
    """What renders: this process, or a cluster."""
    if ray is None:
        from vst.pipeline import render

        return render
    from vst.batch.cluster.render import render_on_ray

    return partial(render_on_ray, address=ray, allow_mixed=allow_mixed)


def _check_resume(context: click.Context, clip: Path, output: Path | None) -> None:
    """Refuse --resume with a stream; by default a render is resumed where that is possible."""
    given = (
        context.get_parameter_source("resume") is ParameterSource.COMMANDLINE and context.params["resume"]
    )
    stream = is_stream(clip) or (output is not None and is_output_stream(output))
    if given and stream:
        raise UsageError("a render that reads or writes a stream cannot be resumed: leave --resume out")


def _count(frames: int) -> str:
    return f"{frames} frame" + ("" if frames == 1 else "s")
