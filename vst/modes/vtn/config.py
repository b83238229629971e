"""The training configuration of vtn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from vst.errors import UsageError
from vst.modes.recipe import SequenceRecipe
from vst.modes.recipe_option import recipe_option


@dataclass(frozen=True)
class VtnRecipe(SequenceRecipe):
    """A `SequenceRecipe` with the past that the network is conditioned on."""

    adding: ClassVar[Mapping[str, Any]] = {**SequenceRecipe.adding, "warm_up": 2}

    warm_up: int = recipe_option(  # type: ignore[misc]
        4, "At most this many frames are stylized before those that are learned from.", least=0
    )
    distances: tuple[int, ...] = recipe_option(  # type: ignore[misc]
        (1, 2, 4),
        "How many frames back earlier stylized frames are taken from; once for each.",
        least=1,
        former=("memory",),
    )
    gap: int = recipe_option(  # type: ignore[misc]
        1, "Frames of the clip from one frame of a sequence to the next, at most: keyframes.", least=1
    )
    gate: bool = recipe_option(False, "Whether the network decides by pixel how much of the past to keep.")
    anchor: float = recipe_option(
        0.1, "With a gate, the least share of each frame that is stylized afresh.", least=0, most=1
    )
    """What was stylized wrong fades at least this fast; 0: no bound."""
    resamplings: int = recipe_option(
        0,
        "At most this often the past is resampled before the frames that are learned from.",
        least=0,
        names=("--resamplings", "--ageing"),
        former=("ageing",),
    )
    """By a part of a pixel and back, as a long pan resamples it: the network learns to refresh it."""
    refresh: float = recipe_option(
        0.0,
        "Share of squares that are refreshed though the past is seen (with a gate).",
        least=0,
        most=1,
        names=("--refresh", "--renewal"),
        former=("renewal",),
    )
    """A render refreshes what was resampled too often: here the network learns to continue there."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.distances or self.distances[0] != 1:
            raise UsageError(f"distances is {self.distances}; expected numbers that begin with 1")
        if self.gap > 1 and self.distances != (1,):
            raise UsageError(
                f"gap is {self.gap} and distances is {self.distances}; expected distances 1: a keyframe is "
                "conditioned on the one before alone"
            )
        if list(self.distances) != sorted(set(self.distances)):
            raise UsageError(f"distances is {self.distances}; expected rising numbers")
