"""A recipe for a flow network: everything that determines the result of a training run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from vst.errors import UsageError
from vst.modes.recipe import TRAINING_PRECISIONS
from vst.modes.recipe_option import check_recipe, recipe_option

GRID = 64
"""Sides of crops are multiples of this, as the network requires."""


@dataclass(frozen=True)
class FlowRecipe:
    """One training run of the refinement of `dis`. Two runs of one recipe on one machine get the same.

    Many attributes: one for each option of `vst train flow`.

    Raises:
        UsageError: for an invalid value.
    """

    photos: tuple[str, ...] = recipe_option(
        (),
        "A folder or tar file of photographs that objects are cut from; synthetic pictures unless given.",
    )
    pairs: int = recipe_option(
        3000, "Pairs of frames with known flow that are made before training.", least=1
    )
    """Each serves in both directions."""
    frame_width: int = recipe_option(384, "Width of those frames, in pixels.", least=GRID)
    frame_height: int = recipe_option(256, "Height of those frames, in pixels.", least=GRID)
    fastest: float = recipe_option(60.0, "Peak speed of the fastest pairs, in pixels a frame.", least=1)
    width: int = recipe_option(14, "Filters of the network's first layer.", least=1)
    """64 in the published FlowNet2-S."""
    size: int = recipe_option(256, "Side of the square crops, in pixels; a multiple of 64.", least=GRID)
    batch: int = recipe_option(4, "Crops in a batch.", least=1)
    steps: int = recipe_option(12000, "Optimiser steps in all.", least=1)
    learning_rate: float = recipe_option(5e-4, "Adam's at the start.", least=0)
    final_learning_rate: float = recipe_option(3e-5, "Adam's at the end; it falls along a cosine.", least=0)
    averaging: float = recipe_option(
        0.999,
        "Decay of the running mean of the parameters that is exported; 0: the last ones.",
        least=0,
        most=0.99999,
    )
    coarse_weight: float = recipe_option(
        0.5, "Weight of each coarser size in the loss, relative to the one above it.", least=0, most=1
    )
    ease: float = recipe_option(
        0.3, "Pixels of error that are added to those of dis before a crop's are compared to them.", least=0
    )
    """So crops that `dis` has nearly right count like those that it has quite wrong."""
    brightness: float = recipe_option(
        0.1, "Largest change of brightness and contrast that is put on crops.", least=0, most=1
    )
    noise: float = recipe_option(
        0.015, "Largest deviation of the noise that is put on crops.", least=0, most=1
    )
    precision: str = recipe_option(
        "bf16", "Arithmetic of the network; fp16 on CUDA only.", choices=TRAINING_PRECISIONS
    )
    """Of the features; parameters, flow and losses are fp32."""
    seed: int = recipe_option(0, "Of all random numbers.", least=0)

    def __post_init__(self) -> None:
        check_recipe(self)
        if self.size % GRID or not 0 < self.size <= min(self.frame_width, self.frame_height):
            raise UsageError(
                f"size is {self.size} with frames of {self.frame_width}×{self.frame_height}; "
                f"expected a multiple of {GRID} that fits into them"
            )

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types."""
        return dataclasses.asdict(self)

    def digest(self) -> str:
        """Twelve hexadecimal digits that name this recipe."""
        return _digest(self.to_json())

    def pool_digest(self) -> str:
        """The same of the fields that determine the pairs alone."""
        decisive = ("photos", "frame_width", "frame_height", "fastest", "seed")
        return _digest({name: getattr(self, name) for name in decisive})


def _digest(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
