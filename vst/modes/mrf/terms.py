"""The patch loss as a term of an objective."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch.nn.functional as F
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
        mask: 1×1×H×W, 0..1: the region of the picture that counts; None: all of it.
    """

    weight: float
    layers: Mapping[str, float]
    targets: Mapping[str, PatchTargets]
    energies: Mapping[str, Tensor]
    mask: Tensor | None = None
    name: str = "style"

    def loss(self, layer: str, features: Tensor) -> Tensor:
        """See `FeatureTerm.loss`."""
        mask = None
        if self.mask is not None:
            height, width = features.shape[-2:]
            mask = F.adaptive_avg_pool2d(self.mask, (height, width))
        return self.targets[layer].distance(features, mask) / self.energies[layer]
