"""The training configuration of lstm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from vst.modes.recipe import SequenceRecipe
from vst.modes.recipe_option import recipe_option


@dataclass(frozen=True)
class LstmRecipe(SequenceRecipe):
    """A `SequenceRecipe` with the network's memory."""

    adding: ClassVar[Mapping[str, Any]] = {**SequenceRecipe.adding, "warm_up": 2}

    warm_up: int = recipe_option(  # type: ignore[misc]
        4, "At most this many frames are stylized before those that are learned from.", least=0
    )
    gate: bool = recipe_option(
        False, "Whether a gate over pixels keeps the last stylized frame where nothing moves."
    )
    anchor: float = recipe_option(
        0.1, "Least share of the memory that is taken from each frame.", least=0, most=1
    )
    """What was stylized wrong fades at least this fast; 0: no bound."""
    motion: bool = recipe_option(
        True, "Whether the memory sees the frames beside the last stylized one, so sees what moved."
    )
    restart: float = recipe_option(0.1, "Share of frames at which the memory is emptied.", least=0, most=1)
    """As at a cut. The temporal loss keeps what starts there similar to what continues."""
    feedback_noise: float = recipe_option(
        0.02, "Largest deviation of the noise on what is fed back.", least=0, most=1
    )
    """Of −1..1. The network learns to correct earlier errors."""
