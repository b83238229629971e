"""Recipes in TOML files, and those that come with the package."""

from __future__ import annotations

import dataclasses
import logging
import tomllib
import typing
from pathlib import Path
from typing import Any

from vst.errors import UsageError, suggestion
from vst.modes.recipe import NetworkRecipe, StyleGoal
from vst.modes.recipe_option import recipe_options_of
from vst.modes.registry import available_modes, find_mode
from vst.styles.blend import change_paths

FOLDER = Path(__file__).with_name("recipes")
"""The recipes that the catalogue was trained with."""

_log = logging.getLogger(__name__)


def known_recipes() -> list[str]:
    """Names of the recipes that come with the package."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def read_recipe(name: str) -> dict[str, Any]:
    """The fields that a recipe gives, as `vst.modes.recipe.create_recipe` takes them.

    Args:
        name: One of `known_recipes`, or a TOML file: the fields of a mode's recipe by name, and a
            [[styles]] table with `StyleGoal`'s fields a style. With `extends`, the name of one that comes
            with the package, it changes that one. Its styles replace those of that one; a style without
            images is the one of the same name there, with the fields that are given.

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
    inherited = {} if base is None else read_recipe(base)
    fields = _fields(given, path, given.get("mode", inherited.get("mode")))
    if "styles" in fields:
        known = {each.name: dataclasses.asdict(each) for each in inherited.get("styles", ())}
        fields["styles"] = tuple(_style(each, known, path) for each in fields["styles"])
    return inherited | fields


def resolve(fields: dict[str, Any], data: Path) -> dict[str, Any]:
    """The same fields with the paths of photographs, clips and paintings relative to a folder."""
    found = dict(fields)
    for name in ("photos", "clips", "paintings"):
        if name in found:
            found[name] = tuple(str(data / path) for path in found[name])
    if "styles" in found:
        found["styles"] = tuple(
            dataclasses.replace(style, images=tuple(_below(data, each) for each in style.images))
            for style in found["styles"]
        )
    return found


def _below(folder: Path, image: str) -> str:
    return change_paths(image, lambda path: str(folder / path))


def _fields(given: dict[str, Any], path: Path, mode: Any) -> dict[str, Any]:
    """The file's values by the fields' present names, in the types of the fields: lists are tuples there.

    Fields of other modes are allowed, as one recipe may be extended for several; they have no effect.
    """
    kinds = [entry.recipe_class for entry in available_modes().values() if entry.recipe]
    own: type[NetworkRecipe] | None = None
    if mode is not None:
        own = find_mode(mode).recipe_class
        kinds.insert(0, own)
    fields = {}
    for key, value in given.items():
        kind, name = _field(key, kinds, path)
        if own is not None and kind is not own:
            _log.warning("%s: %s has no effect in mode %s", path, key, mode)
        fields[name] = _as(value, typing.get_type_hints(kind)[name], f"{path}: {key}")
    return fields


def _field(key: str, kinds: list[type[NetworkRecipe]], path: Path) -> tuple[type[NetworkRecipe], str]:
    """The first class that has a field of a name or former name, and its present name."""
    known: list[str] = []
    for kind in kinds:
        names = [each.name for each in dataclasses.fields(kind)]
        if key in names:
            return kind, key
        former = {old: name for name, entry in recipe_options_of(kind).items() for old in entry.former}
        if key in former:
            return kind, former[key]
        known += names
    raise UsageError(f"{path}: unknown field {key!r}: {suggestion(key, dict.fromkeys(known))}")


def _style(given: Any, inherited: dict[str, dict[str, Any]], path: Path) -> StyleGoal:
    if not isinstance(given, dict):
        raise UsageError(f"{path}: expected each of [[styles]] to be a table with a name and images")
    types = typing.get_type_hints(StyleGoal)
    for key in given:
        if key not in types:
            raise UsageError(f"{path}: unknown field {key!r}: {suggestion(key, types)}")
    fields = {key: _as(value, types[key], f"{path}: {key}") for key, value in given.items()}
    if "images" not in fields:
        fields = inherited.get(fields.get("name", ""), {}) | fields
    missing = [name for name in ("name", "images") if name not in fields]
    if missing:
        raise UsageError(f"{path}: a style has no {' and no '.join(missing)}")
    return StyleGoal(**fields)


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
