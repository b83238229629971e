"""Tables on stdout, for the commands that list things."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from vst.cli.session import Session


def show_table(session: Session, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows as a table, or with --json as one object a line.

    Args:
        session: Says which.
        columns: Keys of the rows that the table shows, also its headings; JSON has all keys.
        rows: The rows.
    """
    if session.json:
        for row in rows:
            click.echo(json.dumps(dict(row)))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row[column])) for column in columns))
    console = Console(highlight=False)
    if not console.is_terminal:
        # A file or a pipe has no width: no line is broken there.
        console.width = 10_000
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
