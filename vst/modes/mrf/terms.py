"""The patch loss as a term of an objective."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from vst.losses.patches import PatchTargets


@dataclass
class PatchTerm:
    """Distance of patches of features from the painting's nearest, relative to the energy of its patches.

    Attributes:
        weight: See `FeatureTerm`.
        layers: See `FeatureTerm`.
        targets: Of the matches, by layer.
        energies: Mean squared length of the painting's patches, by layer.
    """

    weight: float
    layers: Mapping[str, float]
    targets: Mapping[str, PatchTargets]
    energies: Mapping[str, Tensor]
    name: str = "style"

    def loss(self, layer: str, features: Tensor) -> Tensor:
        """See `FeatureTerm.loss`."""
        return self.targets[layer].distance(features) / self.energies[layer]
