"""mrf: content at one layer, and the painting's nearest patches at one or two (Li & Wand 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.losses.patches import CHUNK_BYTES, PatchTargets, match_patches, patch_energy
from vst.modes.mrf.copies import FACTOR, copies
from vst.modes.mrf.terms import PatchTerm
from vst.modes.optimisation.features import padded_if_small, stride_of
from vst.modes.optimisation.level import Level
from vst.modes.optimisation.paintings import painting_side
from vst.modes.optimisation.regions import RegionPart
from vst.modes.optimisation.stylizer import OptimisingStylizer
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
        inside: 1×1×·×· for each, 1 where a place is the painting's, inside of its mask; None: everywhere.
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
        """One for each painting of each region, with its share."""
        own = self.source.features(level.picture, tuple(self._style_layers), level.tile)
        found: list[FeatureTerm] = []
        for part in self.parts(level):
            described = self._paintings_of(part, level.tile)
            for known, share in zip(described, part.paintings.shares, strict=True):
                targets = {
                    layer: self._matched(own[layer], known[layer], part.mask)
                    for layer in self._style_layers
                }
                layers = {layer: weight * share for layer, weight in self._style_layers.items()}
                energies = {layer: known[layer].energy for layer in self._style_layers}
                weight = self.config.style_weight * _SHARE
                found.append(PatchTerm(weight, layers, targets, energies))
        return found

    def _matched(self, own: Tensor, known: _Known, mask: Tensor | None) -> PatchTargets:
        size = self.config.patch_size
        found = match_patches(own, known.features, size, _STRIDE, valid=known.inside)
        if mask is None:
            return found
        height, width = own.shape[-2:]
        return found.within(F.adaptive_avg_pool2d(mask, (height, width)))

    def _paintings_of(self, part: RegionPart, tile: int | None) -> list[dict[str, _Known]]:
        """What the paintings of a region have at a size."""
        paintings, side = part.paintings, part.painting_side
        return self.of_paintings(
            part,
            tile,
            lambda: [
                self._describe(each, mask, tile)
                for each, mask in zip(paintings.at(side), paintings.masks_at(side), strict=True)
            ],
        )

    def _describe(self, painting: Tensor, mask: Tensor | None, tile: int | None) -> dict[str, _Known]:
        config, layers = self.config, tuple(self._style_layers)
        if mask is not None:
            mask = (mask > 0.5).float()  # a patch is the painting's, or is not
        found: dict[str, _Known] = {layer: _Known([], [], torch.zeros(())) for layer in layers}
        for image, inside in copies(painting, config.patch_rotations, config.patch_scales, mask):
            seen = padded_if_small(image).to(self.device)
            for layer, maps in self.source.features(seen, layers, tile).items():
                maps = _as_large_as(maps, config.patch_size)
                found[layer].features.append(maps)
                found[layer].inside.append(_at_places(inside, maps, stride_of(layer)))
        if mask is not None:
            for each in found.values():
                each.inside[0] = _with_a_patch(each.inside[0], mask, config.patch_size)
        return {
            layer: each._replace(energy=patch_energy(each.features[0], config.patch_size, each.inside[0]))
            for layer, each in found.items()
        }

    def memory(self, width: int, height: int) -> MemoryEstimate:
        """See `Stylizer.memory`."""
        config, least = self.config, min(map(stride_of, self._style_layers))
        scales = sum(FACTOR ** (2 * n) for n in range(-config.patch_scales, config.patch_scales + 1))
        copied = scales * (2 * config.patch_rotations + 1)
        places = sum(
            (painting_side(width, height, each.style_scale) / least) ** 2
            * copied
            * len(each.paintings.shares)
            for each in self.styles
        )
        # The copies' features of all sizes of the frame, and once more while they are sampled.
        value = torch.finfo(self.source.precision).bits // 8
        kept = round(places * _CHANNELS * value * (4 / 3 + 1))
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


def _with_a_patch(inside: Tensor | None, mask: Tensor, size: int) -> Tensor:
    """The same places, 1×1×h×w; where they make no patch, those of the patch that a mask covers most.

    Args:
        inside: Which places see only what is inside of the mask.
        mask: 1×H×W, of the painting.
        size: Of patches.
    """
    assert inside is not None  # it has a mask
    if bool((F.max_pool2d(-inside, size, stride=1)[..., ::_STRIDE, ::_STRIDE] == -1).any()):
        return inside
    height, width = inside.shape[-2:]
    covered = F.adaptive_avg_pool2d(mask[None].to(inside.device), (height, width))
    patches = F.avg_pool2d(covered, size, stride=1)[0, 0, ::_STRIDE, ::_STRIDE]
    row, column = divmod(int(patches.argmax()), patches.shape[1])
    top, left = _STRIDE * row, _STRIDE * column
    one = torch.zeros_like(inside)
    one[..., top : top + size, left : left + size] = 1
    return one
