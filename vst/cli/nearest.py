"""Choices on the command line that answer a mistyped name with the nearest one."""

from __future__ import annotations

from typing import Any

import click

from vst.cli.spelling import american
from vst.errors import suggestion


class NearestChoice(click.Choice[str]):
    """A choice whose error suggests the nearest name."""

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Nothing: the metavar names the choices."""
        return ""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The choice with this name, in either spelling."""
        by_name = {american(choice): choice for choice in self.choices}
        name = american(str(value))
        if name not in by_name:
            self.fail(f"'{value}' is unknown: {suggestion(str(value), self.choices)}", param, ctx)
        return by_name[name]
