"""`vst join`: the output of a planned render."""

from __future__ import annotations

from pathlib import Path

import click

from vst.cli.console import console_of
from vst.cli.options import talk_options
from vst.cli.render_report import show_report
from vst.cli.signals import stop_on_signals


@click.command("join")
@click.argument("job", type=click.Path(path_type=Path))
@click.option("-y", "--overwrite", is_flag=True, help="Replace an output that exists.")
@talk_options
@click.pass_context
def join_command(context: click.Context, job: Path, overwrite: bool) -> None:
    """Join the segments of JOB, a file of 'vst plan', once all are finished.

    Sound, subtitles, chapters and metadata come from the clip. Nothing is encoded again.
    """
    console = console_of(context)
    with stop_on_signals(report=not console.quiet) as stop:
        from vst.batch.farm import join, read_job

        report = join(read_job(job), overwrite=overwrite, stop=stop)
    show_report(console, report, f"{report.output}: {report.frames} frames")
