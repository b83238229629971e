"""`vst probe`: what was understood of a file."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import click

from vst.cli.options import FrameRate, talk_options
from vst.cli.session import session_of


@click.command("probe")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--fps", type=FrameRate(), help="Frames a second of an image sequence.")
@talk_options
@click.pass_context
def probe_command(context: click.Context, files: tuple[Path, ...], fps: Fraction | None) -> None:
    """Say what a video, picture or image sequence is, as a render understands it."""
    from vst.media import probe
    from vst.media.describe import as_values, describe

    session = session_of(context)
    for number, file in enumerate(files):
        info = probe(file, fps=fps)
        if session.json:
            click.echo(json.dumps(as_values(info)))
            continue
        if number:
            click.echo()
        lines = describe(info)
        width = max(len(name) for name, _ in lines)
        for name, words in lines:
            click.echo(f"{name:<{width}}  {' '.join(words.split())}")
