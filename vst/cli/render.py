"""`vst render`: one clip or picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vst.cli.options import FrameRate, render_options, settings_from
from vst.cli.progress import clock, show_progress
from vst.cli.session import session_of
from vst.cli.signals import stop_on_signals


@click.command("render")
@click.argument("clip", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file to write; CLIP.STYLE beside the clip unless given.",
)
@click.option(
    "--fps",
    type=FrameRate(),
    help="Frames a second of an image sequence, such as 25 or 24000/1001; as its files say, or 24.",
)
@click.option(
    "--start",
    metavar="WHEN",
    help="Begin there: seconds (12.5), 0:00:12.5, or a frame, counted from 0 (300f).",
)
@click.option(
    "--end", metavar="WHEN", help="End there, written as --start; the frame at that moment is left out."
)
@click.option("--frames", type=int, metavar="N", help="At most so many frames; in place of --end.")
@click.option("-y", "--overwrite", is_flag=True, help="Replace the output if it is there.")
@render_options
@click.pass_context
def render_command(context: click.Context, clip: Path, output: Path | None, **options: Any) -> None:
    """Paint CLIP, a video, a picture or an image sequence such as shots/%04d.exr.

    Sound, timing and colour stay as they are. A render that was stopped goes on where it was when the same
    command is given again.
    """
    session = session_of(context)
    with stop_on_signals(say=not session.quiet) as stop:
        from vst.pipeline import render

        settings = settings_from(**options)
        with show_progress(session, clip.name) as show:
            report = render(clip, settings, output, progress=show, stop=stop)
    painted = report.frames - report.resumed
    fps = painted / report.seconds if report.seconds > 0 else 0.0
    of_them = f", {painted} of them" if report.resumed else ""
    session.result(
        f"{report.output}: {_count(report.frames)}{of_them} in {clock(report.seconds)}, {fps:.2f} frames/s"
    )
    for note in report.notes:
        session.note(note)
    session.event(
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
