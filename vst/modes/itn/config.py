"""The training configuration of itn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from vst.modes.recipe import Recipe


@dataclass(frozen=True)
class ItnRecipe(Recipe):
    """A `Recipe`: photographs alone."""

    adding: ClassVar[Mapping[str, Any]] = {"steps": 320}
