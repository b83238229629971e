"""The training configuration of reconet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vst.modes.recipe import SequenceRecipe
from vst.modes.recipe_option import recipe_option


@dataclass(frozen=True)
class ReconetRecipe(SequenceRecipe):
    """A `SequenceRecipe` with a temporal loss of features.

    `temporal_weight` is λ_o, on the loss with the luminance constraint, which is a sum over three channels
    and so three times as large.
    """

    warm_up: ClassVar[int] = 0

    feature_weight: float = recipe_option(1.0, "Weight of the temporal loss of features.", least=0)
    """λ_f, relative to the features' energy."""
