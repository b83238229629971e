"""The training configuration of vtn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from vst.modes.recipe import SequenceRecipe
from vst.modes.recipe_option import recipe_option


@dataclass(frozen=True)
class VtnRecipe(SequenceRecipe):
    """A `SequenceRecipe` with the past that the network is conditioned on."""

    adding: ClassVar[Mapping[str, Any]] = {**SequenceRecipe.adding, "warm_up": 2}

    warm_up: int = recipe_option(  # type: ignore[misc]
        4, "At most this many frames are stylized before those that are learned from.", least=0
    )
    gap: int = recipe_option(  # type: ignore[misc]
        1, "Frames of the clip from one frame of a sequence to the next, at most.", least=1
    )
    gate: bool = recipe_option(False, "Whether the network decides by pixel how much of the past to keep.")
    ungated: float = recipe_option(
        0.0,
        "With a gate, the share of sequences in which it keeps nothing: the network learns to continue the "
        "past itself.",
        least=0,
        most=1,
    )
    anchor: float = recipe_option(
        0.1, "With a gate, the least share of each frame that is stylized afresh.", least=0, most=1
    )
    """What was stylized wrong fades at least this fast; 0: no bound."""
    teacher: str = recipe_option(
        "", "A weight file of itn: keyframes that follow others get as much detail as it gives them."
    )
    """Otherwise strokes grow from keyframe to keyframe, where the photograph has nothing."""
    detail_weight: float = recipe_option(
        1.0, "With a teacher, weight of the difference in detail, by windows of 32 pixels.", least=0
    )
