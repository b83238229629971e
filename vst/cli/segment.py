"""`vst segment`: a part of a planned render."""

from __future__ import annotations

from pathlib import Path

import click

from vst.cli.console import console_of
from vst.cli.options import talk_options
from vst.cli.progress import clock, show_progress
from vst.cli.segment_numbers import parse_segments
from vst.cli.signals import stop_on_signals


@click.command("segment")
@click.argument("job", type=click.Path(path_type=Path))
@click.argument("segments", metavar="K")
@talk_options
@click.pass_context
def segment_command(context: click.Context, job: Path, segments: str) -> None:
    """Render segment K of JOB, a file of 'vst plan': a number from 0, or a range such as 0-9.

    A segment that is finished is left as it is, and one that is damaged is rendered again. One that
    continues a shot begins where the segment before has ended; if that one is not finished, the shot is
    stylized from its beginning. The frames are the same.
    """
    console = console_of(context)
    with stop_on_signals(report=not console.quiet) as stop:
        from vst.batch.farm import SegmentRenderer, read_job

        found = read_job(job)
        numbers = parse_segments(segments, len(found.segments))
        with SegmentRenderer(found, stop=stop) as renderer:
            for number in numbers:
                with show_progress(console, f"segment {number}") as show:
                    result = renderer.render(number, show)
                done = f"{result.frames} frames in {clock(result.seconds)}"
                if result.replayed:
                    done += f", {result.replayed} frames before them stylized again"
                if result.was_finished:
                    done = "finished before"
                console.result(f"segment {number}: {done}")
                console.event(
                    "segment",
                    segment=number,
                    frames=result.frames,
                    was_finished=result.was_finished,
                    replayed=result.replayed,
                    seconds=round(result.seconds, 3),
                )
