"""`vst probe`: the properties of a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import click

from vst.cli.console import console_of
from vst.cli.options import INPUT_PATH, FrameRate, talk_options
from vst.cli.outcome import FAILED, SOME_FAILED
from vst.cli.outcome import describe as describe_error
from vst.cli.printable import printable
from vst.errors import MediaError


@click.command("probe")
@click.argument("files", nargs=-1, required=True, type=INPUT_PATH, metavar="FILE...")
@click.option("--fps", type=FrameRate(), help="Frames per second of an image sequence.")
@talk_options
@click.pass_context
def probe_command(context: click.Context, files: tuple[Path, ...], fps: Fraction | None) -> None:
    """Show the properties of a video, picture or image sequence.

    With several files, those that cannot be read are reported, and the exit code is 3, or 1 if none can.
    """
    from vst.media.probe import probe
    from vst.media.probe.describe import as_values, describe

    console = console_of(context)
    shown = 0
    for file in files:
        try:
            info = probe(file, fps=fps)
        except MediaError as error:
            if len(files) == 1:
                raise
            console.error(describe_error(error), FAILED, error)
            continue
        if console.json:
            click.echo(json.dumps(as_values(info)))
        else:
            if shown:
                click.echo()
            _show(describe(info))
        shown += 1
    if shown < len(files):
        context.exit(SOME_FAILED if shown else FAILED)


def _show(lines: Sequence[tuple[str, str]]) -> None:
    """Print the names in a column, and the values beside them."""
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        # Tags may have several lines; the spaces of a file's name are kept.
        shown = text if name == "file" else " ".join(text.split())
        click.echo(printable(f"{name:<{width}}  {shown}"))
