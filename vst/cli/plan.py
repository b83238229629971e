"""`vst plan`: a render for many machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vst.cli.console import Console, console_of
from vst.cli.options import render_options, settings_from
from vst.cli.progress import show_progress
from vst.cli.signals import stop_on_signals

if TYPE_CHECKING:
    from vst.batch.farm import Job, PlannedSegment


@click.command("plan")
@click.argument("clip", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--job",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The job file to write, such as job.json.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file that 'vst join' writes; by default CLIP.STYLE beside the clip.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Look for shots in N parts of the clip at a time, with the same result.",
)
@click.option(
    "--openjd",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write a template of Open Job Description, such as template.yaml, beside the job file.",
)
@render_options()
@click.pass_context
def plan_command(
    context: click.Context,
    clip: Path,
    job: Path,
    output: Path | None,
    jobs: int,
    openjd: Path | None,
    **options: Any,
) -> None:
    """Plan a render of CLIP for many processes or machines.

    CLIP is read once. The job file says which segments there are and what each needs. Then run
    'vst segment' for each, anywhere, and 'vst join'. The result is the file that 'vst render' writes.
    """
    console = console_of(context)
    with stop_on_signals(report=not console.quiet) as stop:
        from vst.batch.farm import plan
        from vst.batch.farm.openjd import check_template_path, write_template

        settings = settings_from(**options)
        if openjd is not None:
            check_template_path(openjd, job, settings.overwrite)
        with show_progress(console, clip.name) as show:
            planned = plan(clip, settings, job, output, jobs=jobs, progress=show, stop=stop)
        if openjd is not None:
            write_template(planned, openjd)
    _report(console, job, planned)


def _report(console: Console, path: Path, job: Job) -> None:
    shots = job.shots
    count = len(job.segments)
    console.result(
        f"{path}: {job.frames} frames, {_many(shots, 'shot')}, {_many(count, 'segment')} (0 to {count - 1})"
    )
    later = [segment for segment in job.segments if segment.after is not None]
    if later:
        console.message(
            f"{_many(len(later), 'segment')} continue a shot: after the segment before they take "
            f"{_range(later, 'cost')}, without it {_range(later, 'replay_cost')}"
        )
    for index, segment in enumerate(job.segments):
        console.event(
            "segment",
            segment=index,
            first=segment.first,
            frames=segment.frames,
            shot=segment.shot,
            after=segment.after,
            decoded=segment.cost.decoded,
            stylized=segment.cost.stylized,
            replay_decoded=segment.replay_cost.decoded,
            replay_stylized=segment.replay_cost.stylized,
        )
    console.event("planned", job=str(path), output=str(job.output), frames=job.frames, segments=count)


def _range(segments: list[PlannedSegment], name: str) -> str:
    """``58 to 77 decoded and 31 stylized frames each``."""
    words = []
    for what in ("decoded", "stylized"):
        numbers = [getattr(getattr(segment, name), what) for segment in segments]
        low, high = min(numbers), max(numbers)
        words.append(f"{low if low == high else f'{low} to {high}'} {what}")
    return f"{words[0]} and {words[1]} frames each"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")
