"""Fields of recipes that are options: help, range and names, from which the command line is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from vst.errors import UsageError

_KEY = "option"


@dataclass(frozen=True)
class RecipeOption:
    """What the command line and validation know of a recipe's field.

    Attributes:
        help: One sentence.
        least: The smallest value allowed; None: any.
        most: The largest value allowed; None: any.
        choices: The values allowed; none: any.
        names: Names of the command line's option; none: that of the field.
        former: Former names of the field, which recipes in TOML may still have.
        default: The default in words; "": as it is.
    """

    help: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    default: str = ""


def recipe_option(
    default: Any,
    help_text: str,
    *,
    least: float | None = None,
    most: float | None = None,
    choices: Sequence[str] = (),
    names: Sequence[str] = (),
    former: Sequence[str] = (),
    default_text: str = "",
) -> Any:
    """A field of a recipe's dataclass that is an option; see `RecipeOption`."""
    entry = RecipeOption(help_text, least, most, tuple(choices), tuple(names), tuple(former), default_text)
    return field(default=default, metadata={_KEY: entry})


def recipe_options_of(recipe: Any) -> dict[str, RecipeOption]:
    """The options of a recipe or its class, by field."""
    return {each.name: each.metadata[_KEY] for each in fields(recipe) if _KEY in each.metadata}


def check_recipe(recipe: Any) -> None:
    """Compare a recipe's values with their ranges and choices.

    Raises:
        UsageError: A value is outside.
    """
    for name, entry in recipe_options_of(recipe).items():
        value = getattr(recipe, name)
        if entry.choices and value not in entry.choices:
            raise UsageError(f"{name} is {value!r}; expected {', '.join(entry.choices)}")
        for each in value if isinstance(value, tuple) else (value,):
            low = entry.least is not None and each is not None and each < entry.least
            high = entry.most is not None and each is not None and each > entry.most
            if low or high:
                raise UsageError(f"{name} is {each}; expected {_range(entry)}")


def _range(entry: RecipeOption) -> str:
    if entry.most is None:
        return f"{entry.least:g} or more"
    return f"{entry.least:g} to {entry.most:g}" if entry.least is not None else f"{entry.most:g} at most"
