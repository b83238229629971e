"""Recipes in TOML files, and those that come with the package."""

from __future__ import annotations

import dataclasses
import tomllib
import typing
from pathlib import Path
from typing import Any

from vst.errors import UsageError, suggestion
from vst.train.recipe import Recipe, StyleGoal

FOLDER = Path(__file__).with_name("recipes")
"""The recipes that the catalogue was trained with."""


def known_recipes() -> list[str]:
    """Names of the recipes that come with the package."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def read_recipe(name: str) -> dict[str, Any]:
    """The fields that a recipe gives, as `Recipe` takes them.

    Args:
        name: One of `known_recipes`, or a TOML file: `Recipe`'s fields by name, and a [[styles]] table
            with `StyleGoal`'s fields a style. With `extends`, the name of one that comes with the package,
            it changes that one.

    Raises:
        UsageError: where there is no such recipe, or a field is unknown or of another type.
    """
    path = FOLDER / f"{name}.toml"
    if name not in known_recipes():
        path = Path(name)
        if not path.is_file():
            raise UsageError(f"no recipe {name!r}, nor such a file: {suggestion(name, known_recipes())}")
    try:
        with open(path, "rb") as stream:
            given = tomllib.load(stream)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read as a recipe ({error})") from error
    base = given.pop("extends", None)
    if base is not None and (base not in known_recipes() or base == path.stem):
        raise UsageError(f"{path}: extends is {base!r}; expected one of {', '.join(known_recipes())}")
    fields = _checked(given, Recipe, path)
    if "styles" in fields:
        fields["styles"] = tuple(StyleGoal(**_checked(each, StyleGoal, path)) for each in fields["styles"])
    return fields if base is None else read_recipe(base) | fields


def resolve(fields: dict[str, Any], data: Path) -> dict[str, Any]:
    """The same fields with the paths of photographs, clips and paintings looked for in a folder."""
    found = dict(fields)
    for name in ("photos", "clips"):
        if name in found:
            found[name] = tuple(str(data / path) for path in found[name])
    if "styles" in found:
        found["styles"] = tuple(
            dataclasses.replace(style, images=tuple(str(data / path) for path in style.images))
            for style in found["styles"]
        )
    return found


def _checked(given: Any, kind: type, path: Path) -> dict[str, Any]:
    """The table's values in the types of a dataclass's fields: lists are tuples there."""
    if not isinstance(given, dict):
        raise UsageError(f"{path}: each of [[styles]] has to be a table with a name and images")
    types = typing.get_type_hints(kind)
    fields = {}
    for name, value in given.items():
        if name not in types:
            raise UsageError(f"{path}: unknown field {name!r}: {suggestion(name, types)}")
        fields[name] = _as(value, types[name], f"{path}: {name}")
    missing = [
        each.name
        for each in dataclasses.fields(kind)
        if kind is StyleGoal and each.default is dataclasses.MISSING and each.name not in fields
    ]
    if missing:
        raise UsageError(f"{path}: a style lacks {' and '.join(missing)}")
    return fields


def _as(value: Any, wanted: Any, where: str) -> Any:
    if typing.get_origin(wanted) is tuple:
        inner = typing.get_args(wanted)[0]
        if not isinstance(value, list):
            raise UsageError(f"{where} is {value!r}; expected a list")
        return tuple(value) if inner is StyleGoal else tuple(_as(each, inner, where) for each in value)
    kinds = [kind for kind in typing.get_args(wanted) or (wanted,) if kind is not type(None)]
    number = float in kinds and isinstance(value, int) and not isinstance(value, bool)
    if not number and type(value) not in kinds:
        raise UsageError(f"{where} is {value!r}; expected {kinds[0].__name__}")
    return float(value) if number else value
