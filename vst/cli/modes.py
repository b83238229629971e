"""`vst modes`: the modes of stylization."""

from __future__ import annotations

import click

from vst.cli.console import console_of
from vst.cli.options import json_option, verbose_option
from vst.cli.tables import show_table


@click.command("modes")
@json_option
@verbose_option
@click.pass_context
def modes_command(context: click.Context) -> None:
    """List the modes: the ways to stylize a clip."""
    from vst.modes.registry import available_modes

    rows = [{"name": name, "description": mode.description} for name, mode in available_modes().items()]
    show_table(console_of(context), ("name", "description"), rows)
