"""Tables on stdout for the commands that list things."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from vst.cli.console import Console
from vst.cli.printable import printable


def show_table(console: Console, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows as a table, or with --json as one object a line.

    Args:
        console: Where to print.
        columns: Keys that the table shows, also its headings; JSON contains all keys.
        rows: The rows.
    """
    if console.json:
        for row in rows:
            click.echo(json.dumps(dict(row)))
        return
    from rich.console import Console as RichConsole
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(_cell(row[column]))) for column in columns))
    stdout = RichConsole(highlight=False)
    if not stdout.is_terminal:
        # A file or a pipe has no width: do not wrap lines.
        stdout.width = 10_000
    stdout.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
