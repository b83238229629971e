"""`vst styles`: what there is to paint with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vst.cli.options import json_option, verbose_option, weights_dir_option
from vst.cli.session import Session, session_of
from vst.cli.sheet import painted_cells, thumbnail_cells
from vst.cli.tables import show_table
from vst.errors import UsageError, WeightsError

if TYPE_CHECKING:
    from vst.styles import Catalogue


@click.command("styles")
@click.option(
    "--sheet",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw them as a contact sheet, a .png or .jpg.",
)
@click.option(
    "--photo",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="On the sheet, show this picture painted in every style.",
)
@click.option("-y", "--overwrite", is_flag=True, help="Replace the sheet if it is there.")
@weights_dir_option
@json_option
@verbose_option
@click.pass_context
def styles_command(
    context: click.Context,
    sheet: Path | None,
    photo: Path | None,
    overwrite: bool,
    weights_dir: Path | None,
) -> None:
    """List the styles, or show them as a picture."""
    from vst.styles import load_catalogue

    session = session_of(context)
    if sheet is None and (photo is not None or overwrite):
        raise UsageError("--photo and -y are for a contact sheet: give --sheet FILE with them")
    catalogue = load_catalogue(weights_dir)
    if sheet is None:
        _list(session, catalogue)
    else:
        _draw(session, catalogue, sheet, photo, overwrite, weights_dir)
    for problem in catalogue.problems:
        session.say(f"warning: {problem}")


def _list(session: Session, catalogue: Catalogue) -> None:
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


def _draw(
    session: Session,
    catalogue: Catalogue,
    sheet: Path,
    photo: Path | None,
    overwrite: bool,
    weights_dir: Path | None,
) -> None:
    from vst.styles.sheet import check_sheet, draw_sheet, write_sheet

    check_sheet(sheet, photo, overwrite)
    styles = catalogue.styles.values()
    if not styles:
        where = ", ".join(map(str, catalogue.folders)) or "any weights folder"
        raise WeightsError(f"no styles to show: there are no weights in {where}; give --weights-dir")

    def warn(problem: str) -> None:
        session.say(f"warning: {problem}")

    if photo is None:
        cells = thumbnail_cells(styles, warn)
    else:
        cells = painted_cells(photo, styles, weights_dir, warn)
    write_sheet(sheet, draw_sheet(cells))
    session.result(f"{sheet}: {len(styles)} style{'' if len(styles) == 1 else 's'}")
    session.event("done", output=str(sheet), styles=len(styles))
