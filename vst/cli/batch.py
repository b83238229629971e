"""`vst batch`: a folder of clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vst.cli.console import console_of
from vst.cli.options import SectionCommand, check_ray, ray_options, render_options, settings_from
from vst.cli.outcome import DONE, INTERRUPTED, SOME_FAILED
from vst.cli.signals import stop_on_signals


@click.command("batch", cls=SectionCommand)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="The folder to write, with the same structure and names.",
)
@click.option(
    "--jobs",
    type=int,
    metavar="N",
    help="Files rendered at a time, the largest first; by default as many as are quickest on this machine.",
)
@ray_options
@render_options(batch=True)
@click.pass_context
def batch_command(
    context: click.Context,
    folder: Path,
    output: Path,
    jobs: int | None,
    ray: str | None,
    allow_mixed: bool,
    **options: Any,
) -> None:
    """Stylize every video and picture below FOLDER.

    Outputs that are up to date are skipped. A file that fails does not stop the others. What is neither
    video nor picture is named with the reason.
    """
    console = console_of(context)
    check_ray(ray, allow_mixed)
    with stop_on_signals(report=not console.quiet) as stop:
        from vst.batch import FileState, run
        from vst.cli.batch_view import show_batch

        settings = settings_from(**options)
        with show_batch(console) as view:
            results = run(
                folder,
                output,
                settings,
                jobs=jobs,
                ray=ray,
                allow_mixed=allow_mixed,
                watcher=view,
                stop=stop,
            )
        view.summary(results)
    states = {result.state for result in results}
    if FileState.STOPPED in states:
        context.exit(INTERRUPTED)
    context.exit(SOME_FAILED if FileState.FAILED in states else DONE)
