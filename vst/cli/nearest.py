"""What a mistyped name was probably meant to be."""

from __future__ import annotations

from typing import Any

import click

from vst.errors import suggestion


class NearestChoice(click.Choice[str]):
    """One of a few names; a mistyped one gets the nearest."""

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Nothing: the metavar names the choices."""
        return ""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, if it is one of ours."""
        if value not in self.choices:
            self.fail(f"'{value}' is unknown: {suggestion(str(value), self.choices)}", param, ctx)
        return str(value)
