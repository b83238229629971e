"""What a mistyped name was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

import click


def nearest(given: str, names: Iterable[str]) -> str | None:
    """The name that is nearest, if one is near."""
    return next(iter(difflib.get_close_matches(given, list(names), n=1)), None)


def suggestion(given: str, names: Iterable[str]) -> str:
    """``did you mean 'render'?``, or all names where none is near."""
    names = list(names)
    near = nearest(given, names)
    return f"did you mean '{near}'?" if near else f"expected one of {', '.join(names)}"


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
