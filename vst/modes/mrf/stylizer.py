"""mrf: content at one layer, and the painting's nearest patches at one or two (Li & Wand 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.losses.patches import CHUNK_BYTES, match_patches, patch_energy
from vst.modes.mrf.copies import FACTOR, copies
from vst.modes.mrf.terms import PatchTerm
from vst.modes.optimisation.features import stride_of
from vst.modes.optimisation.paintings import painting_side
from vst.modes.optimisation.stylizer import Level, OptimisingStylizer
from vst.modes.optimisation.terms import (
    FeatureTerm,
    PixelTerm,
    pixel_terms,
)
from vst.modes.tiling import MemoryEstimate

LAYERS = ("relu3_1", "relu4_1")
"""Where patches are compared, as far as the loss network has them."""

_STRIDE = 2
"""Places from one patch to the next: with a side of 3 or more each place belongs to a patch."""

_STEPS = 20
"""Of L-BFGS with the same matches."""

_SHARE = 1 / 6
"""Of the style weight: patches stay further from the painting's than statistics do."""

_SMOOTHER = 20.0
"""Times the variation weight: patches of these layers say little of single pixels, which become noise."""

_CHANNELS = 512
"""Of a layer with patches, at most."""


class _Known(NamedTuple):
    """The features of a painting and its copies, at one layer.

    Attributes:
        features: 1×N×·×· each.
        inside: 1×1×·×· for each, 1 where a place is the painting's; None: everywhere.
        energy: Mean squared length of the painting's patches.
    """

    features: list[Tensor]
    inside: list[Tensor | None]
    energy: Tensor


class MrfStylizer(OptimisingStylizer):
    """α content + β patches + total variation.

    The nearest patches are found anew every `_STEPS` steps; between that the objective is smooth.
    """

    matching_steps = _STEPS
    compared_layers = LAYERS

    def terms(self, level: Level) -> tuple[Sequence[FeatureTerm], Sequence[PixelTerm]]:
        """See `OptimisingStylizer.terms`."""
        config = self.config
        features = self.content_terms(level)
        if config.style_weight:
            features += self._patch_terms(level)
        smoother = replace(config, variation_weight=_SMOOTHER * config.variation_weight)
        return features, pixel_terms(smoother, level.frame)

    def _patch_terms(self, level: Level) -> list[FeatureTerm]:
        """One for each painting, with its share."""
        own = self.source.features(level.picture, tuple(self._style_layers), level.tile)
        found: list[FeatureTerm] = []
        for known, share in zip(self._paintings_at(level), self.paintings.shares, strict=True):
            targets = {
                layer: match_patches(
                    own[layer],
                    known[layer].features,
                    self.config.patch_size,
                    _STRIDE,
                    valid=known[layer].inside,
                )
                for layer in self._style_layers
            }
            layers = {layer: weight * share for layer, weight in self._style_layers.items()}
            energies = {layer: known[layer].energy for layer in self._style_layers}
            found.append(PatchTerm(self.config.style_weight * _SHARE, layers, targets, energies))
        return found

    def _paintings_at(self, level: Level) -> list[dict[str, _Known]]:
        """What the paintings have at the size of a level."""
        return self.of_paintings(
            level,
            lambda: [self._describe(each, level.tile) for each in self.paintings.at(level.painting_side)],
        )

    def _describe(self, painting: Tensor, tile: int | None) -> dict[str, _Known]:
        config, layers = self.config, tuple(self._style_layers)
        found: dict[str, _Known] = {layer: _Known([], [], torch.zeros(())) for layer in layers}
        for image, inside in copies(painting, config.patch_rotations, config.patch_scales):
            for layer, maps in self.source.features(image.to(self.device), layers, tile).items():
                maps = _as_large_as(maps, config.patch_size)
                found[layer].features.append(maps)
                found[layer].inside.append(_at_places(inside, maps, stride_of(layer)))
        return {
            layer: each._replace(energy=patch_energy(each.features[:1], config.patch_size))
            for layer, each in found.items()
        }

    def memory(self, width: int, height: int) -> MemoryEstimate:
        """See `Stylizer.memory`."""
        config, least = self.config, min(map(stride_of, self._style_layers))
        side = painting_side(width, height, config.style_scale)
        scales = sum(FACTOR ** (2 * n) for n in range(-config.patch_scales, config.patch_scales + 1))
        places = (side / least) ** 2 * scales * (2 * config.patch_rotations + 1)
        # The copies' features of all sizes of the frame, and once more while they are sampled.
        value = torch.finfo(self.source.precision).bits // 8
        kept = round(places * _CHANNELS * value * len(self.paintings.shares) * (4 / 3 + 1))
        found, more = super().memory(width, height), kept + 3 * CHUNK_BYTES
        return MemoryEstimate(
            found.peak + more, found.without_tiles + more, found.smallest_tiles + more, found.tile
        )


def _as_large_as(maps: Tensor, size: int) -> Tensor:
    """Features, 1×N×h×w, with their border repeated where they are smaller than a patch."""
    right, down = (max(size - each, 0) for each in (maps.shape[-1], maps.shape[-2]))
    return F.pad(maps.float(), (0, right, 0, down), mode="replicate").to(maps) if right or down else maps


def _at_places(inside: Tensor | None, maps: Tensor, stride: int) -> Tensor | None:
    """Which places of features, 1×1×h×w, see only what is inside of a painting."""
    if inside is None:
        return None
    whole = (F.avg_pool2d(inside, stride) > 0.999).to(maps.device, torch.float32)
    right, down = (max(a - b, 0) for a, b in zip(maps.shape[:-3:-1], whole.shape[:-3:-1], strict=True))
    return F.pad(whole, (0, right, 0, down))
