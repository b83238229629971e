"""Options that are fields of a recipe."""

from __future__ import annotations

import dataclasses
from typing import Any

import click

from vst.cli.nearest import NearestChoice


class RecipeOptions:
    """Makes options for the fields of a recipe, named as these; one that is not given is None.

    Args:
        recipe: The recipe's dataclass, whose defaults the help shows.
    """

    def __init__(self, recipe: Any) -> None:
        self._defaults = {field.name: field.default for field in dataclasses.fields(recipe)}

    def default(self, field: str) -> str:
        """A field's default, for the help."""
        return str(self._defaults[field])

    def option(
        self,
        name: str,
        kind: click.ParamType,
        metavar: str,
        help_text: str,
        field: str | None = None,
        shown: str | None = None,
    ) -> Any:
        """An option of any type."""
        field = field or name.removeprefix("--").replace("-", "_")
        shown = shown or self.default(field)
        return click.option(name, field, type=kind, metavar=metavar, help=help_text, show_default=shown)

    def number(self, name: str, help_text: str, least: int = 1) -> Any:
        """An option for a whole number."""
        return self.option(name, click.IntRange(min=least), "N", help_text)

    def amount(self, name: str, help_text: str, most: float | None = None) -> Any:
        """An option for a number from 0."""
        return self.option(name, click.FloatRange(0, most), "X", help_text)

    def choice(self, name: str, choices: tuple[str, ...], help_text: str, field: str | None = None) -> Any:
        """An option for one of some words."""
        return self.option(name, NearestChoice(list(choices)), "|".join(choices), help_text, field)
