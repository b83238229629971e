"""The training configuration of itn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from vst.modes.recipe import Recipe
from vst.modes.recipe_option import recipe_option


@dataclass(frozen=True)
class ItnRecipe(Recipe):
    """A `Recipe`: photographs alone."""

    adding: ClassVar[Mapping[str, Any]] = {"steps": 320}

    teacher: str = recipe_option(
        "", "A weight file of itn whose pictures are matched, instead of the loss network's features."
    )
    """A new body learns in a fifth of the time what another can do, and starts from there."""
