"""`vst styles`: the styles of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vst.cli.console import Console, console_of
from vst.cli.options import json_option, verbose_option, weights_dir_option
from vst.cli.sheet import stylized_cells, thumbnail_cells
from vst.cli.tables import show_table
from vst.errors import UsageError, WeightsError

if TYPE_CHECKING:
    from vst.styles import Catalogue
    from vst.styles.catalog import Style


@click.command("styles")
@click.option(
    "--sheet",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a contact sheet, .png or .jpg.",
)
@click.option(
    "--photo",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="On the sheet, show this picture in every style.",
)
@click.option("-y", "--overwrite", is_flag=True, help="Replace a sheet that exists.")
@click.option(
    "--public-domain", is_flag=True, help="Only styles of paintings that are in the public domain."
)
@weights_dir_option
@json_option
@verbose_option
@click.pass_context
def styles_command(
    context: click.Context,
    sheet: Path | None,
    photo: Path | None,
    overwrite: bool,
    public_domain: bool,
    weights_dir: Path | None,
) -> None:
    """List the styles, or write a contact sheet of them."""
    from vst.styles import load_catalogue

    console = console_of(context)
    if sheet is None and (photo is not None or overwrite):
        raise UsageError("--photo and -y apply to a contact sheet; give --sheet FILE too")
    catalogue = load_catalogue(weights_dir)
    styles = [each for each in catalogue.styles.values() if each.public_domain or not public_domain]
    if not styles and (sheet is not None or public_domain):
        raise WeightsError(_nothing(catalogue, public_domain))
    if not styles:
        console.message(_nothing(catalogue, public_domain))
    elif sheet is None:
        _list(console, styles)
    else:
        _draw(console, styles, sheet, photo, overwrite, weights_dir)
    for problem in catalogue.problems:
        console.message(f"warning: {problem}")


def _nothing(catalogue: Catalogue, public_domain: bool) -> str:
    where = ", ".join(map(str, catalogue.folders)) or "any weights folder"
    if public_domain and catalogue.styles:
        return f"no style in {where} is marked as public domain in catalog.toml; leave out --public-domain"
    return f"no weights in {where}; give --weights-dir"


def _list(console: Console, styles: Sequence[Style]) -> None:
    rows = [
        {
            "name": style.name,
            "title": style.title,
            "artist": style.artist,
            "year": style.year,
            "modes": list(style.modes),
            "rights": style.rights,
            "public_domain": style.public_domain,
            "files": list(style.files),
        }
        for style in styles
    ]
    show_table(console, ("name", "title", "artist", "year", "modes"), rows)


def _draw(
    console: Console,
    styles: Sequence[Style],
    sheet: Path,
    photo: Path | None,
    overwrite: bool,
    weights_dir: Path | None,
) -> None:
    from vst.styles.sheet import check_sheet, draw_sheet, write_sheet

    check_sheet(sheet, photo, overwrite)

    def warn(problem: str) -> None:
        console.message(f"warning: {problem}")

    if photo is None:
        cells = thumbnail_cells(styles, warn)
    else:
        cells = stylized_cells(photo, styles, weights_dir, warn)
    write_sheet(sheet, draw_sheet(cells))
    console.result(f"{sheet}: {len(styles)} style{'' if len(styles) == 1 else 's'}")
    console.event("done", output=str(sheet), styles=len(styles))
