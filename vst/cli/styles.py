"""`vst styles`: what there is to paint with."""

from __future__ import annotations

from pathlib import Path

import click

from vst.cli.options import json_option, verbose_option, weights_dir_option
from vst.cli.session import session_of
from vst.cli.tables import show_table


@click.command("styles")
@weights_dir_option
@json_option
@verbose_option
@click.pass_context
def styles_command(context: click.Context, weights_dir: Path | None) -> None:
    """List the styles."""
    from vst.styles import load_catalogue

    session = session_of(context)
    catalogue = load_catalogue(weights_dir)
    rows = [
        {
            "name": style.name,
            "title": style.title,
            "artist": style.artist,
            "year": style.year,
            "modes": list(style.modes),
            "rights": style.rights,
            "files": list(style.files),
        }
        for style in catalogue.styles.values()
    ]
    if not rows:
        where = ", ".join(map(str, catalogue.folders)) or "any weights folder"
        session.say(f"no styles: there are no weights in {where}; give --weights-dir")
    else:
        show_table(session, ("name", "title", "artist", "year", "modes"), rows)
    for problem in catalogue.problems:
        session.say(f"warning: {problem}")
