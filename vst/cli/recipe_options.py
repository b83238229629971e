"""Options of the command line that are fields of a recipe."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from typing import Any

import click

from vst.cli.nearest import NearestChoice
from vst.modes.recipe_option import RecipeOption, recipe_options_of

Decorator = Callable[[Any], Any]


def recipe_options(recipe: type[Any]) -> list[Decorator]:
    """An option for each field that is one, in their order; one that is not given is None or ().

    Args:
        recipe: The recipe's dataclass, whose defaults the help shows.
    """
    types = typing.get_type_hints(recipe)
    defaults = {each.name: each.default for each in dataclasses.fields(recipe)}
    return [
        _option(name, entry, types[name], defaults[name])
        for name, entry in recipe_options_of(recipe).items()
    ]


def _option(name: str, entry: RecipeOption, kind: Any, default: Any) -> Decorator:
    names = entry.names or ("--" + name.replace("_", "-"),)
    kinds = [each for each in typing.get_args(kind) or (kind,) if each not in (type(None), Ellipsis)]
    if kinds[0] is bool:
        off = f"{names[0]}/--no-{names[0].removeprefix('--')}"
        return click.option(off, name, default=None, help=entry.help, show_default=_yes(default))
    shown = entry.default or str(default)
    several = typing.get_origin(kind) is tuple
    if several:
        shown = ", ".join(map(str, default))
    return click.option(
        *names,
        name,
        type=_type(entry, kinds[0]),
        multiple=several,
        metavar=_metavar(entry, kinds[0], several),
        help=entry.help,
        show_default=shown or False,
    )


def _type(entry: RecipeOption, kind: type) -> click.ParamType:
    if entry.choices:
        return NearestChoice(list(entry.choices))
    if kind is int:
        least, most = (None if end is None else int(end) for end in (entry.least, entry.most))
        return click.IntRange(least, most)
    return click.FloatRange(entry.least, entry.most) if kind is float else click.STRING


def _metavar(entry: RecipeOption, kind: type, several: bool) -> str:
    if entry.choices:
        return "|".join(entry.choices)
    return {int: "N", float: "X"}.get(kind, "PLACE" if several else "NAME")


def _yes(value: bool) -> str:
    return "yes" if value else "no"
