"""A recipe for a flow network: all that decides what a training run makes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from vst.errors import UsageError
from vst.train.recipe import PRECISIONS

GRID = 64
"""Sides of crops are multiples of this, as the network wants them."""


@dataclass(frozen=True)
class FlowRecipe:
    """One training run of the refinement of `dis`. Two runs of one recipe on one machine see the same.

    Raises:
        UsageError: for values that cannot be meant.
    """

    photos: tuple[str, ...] = ()
    """Folders or tar files of photographs that things are cut from; none: synthetic pictures."""
    pairs: int = 3000
    """Pairs of frames that are made before training; each serves in both directions."""
    frame_width: int = 384
    """Width of those frames in pixels."""
    frame_height: int = 256
    """Height of those frames in pixels."""
    fastest: float = 60.0
    """Peak speed of the fastest scenes, pixels a frame."""
    width: int = 14
    """Filters of the network's first layer; 64 in the published FlowNet2-S."""
    size: int = 256
    """Side of the square crops in pixels; a multiple of 64."""
    batch: int = 4
    """Crops in a batch."""
    steps: int = 12000
    """Optimiser steps in all."""
    learning_rate: float = 5e-4
    """Adam's, at the start."""
    final_learning_rate: float = 3e-5
    """Adam's, at the end; between them it falls along a cosine."""
    averaging: float = 0.999
    """Decay a step of the running mean of the parameters, which is what is exported. 0: the last ones."""
    coarse_weight: float = 0.5
    """What the loss at each coarser size counts relative to the size above it."""
    ease: float = 0.3
    """Pixels of error that are added to a crop's own before its loss is divided by them, so that crops that
    `dis` has nearly right count like those that it has quite wrong."""
    brightness: float = 0.1
    """Largest change of brightness and contrast put on crops, both frames alike."""
    noise: float = 0.015
    """Largest deviation of the noise put on crops, 0..1."""
    precision: str = "bf16"
    """bf16, fp16 (CUDA) or fp32 for the network's features; parameters, flow and losses are fp32."""
    seed: int = 0
    """Of everything that is random."""

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise UsageError(f"precision is {self.precision!r}; expected {', '.join(PRECISIONS)}")
        if self.size % GRID or not 0 < self.size <= min(self.frame_width, self.frame_height):
            raise UsageError(
                f"size is {self.size} with frames of {self.frame_width}×{self.frame_height}; "
                f"expected a multiple of {GRID} that fits into them"
            )
        if min(self.pairs, self.width, self.batch, self.steps) < 1 or self.fastest < 1:
            raise UsageError("pairs, filters, batch and steps have to be 1 or more, and fastest as well")

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types."""
        return dataclasses.asdict(self)

    def digest(self) -> str:
        """Twelve hexadecimal digits that name this recipe."""
        return _digest(self.to_json())

    def pool_digest(self) -> str:
        """The same of what decides the pairs alone."""
        decisive = ("photos", "frame_width", "frame_height", "fastest", "seed")
        return _digest({name: getattr(self, name) for name in decisive})


def _digest(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
