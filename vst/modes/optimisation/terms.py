"""What is minimised: terms of features, layer by layer, and terms of pixels.

Each is relative to its target's own energy, as in training, so that one set of weights serves every
painting and every layer (`vst.losses.perceptual`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from vst.errors import UsageError, suggestion
from vst.losses import content_loss, laplacian_loss, temporal_loss, total_variation
from vst.losses.guidance import guidance_channel, guided, guided_by, with_masks
from vst.losses.style_statistics import STYLE_LOSSES, StyleStatistic
from vst.modes.optimisation.config import (
    CONTENT_LAYERS,
    STYLE_LAYERS,
    LayerWeights,
    OptimisationConfig,
)
from vst.modes.optimisation.features import FeatureSource, padded_if_small

_RANGE_WEIGHT = 100.0
"""With it, what is outside of 0..1 has a root mean square of about .02."""

_LEAST_ENERGY = 1e-8
"""Targets with less are as good as black: nothing is relative to 0."""


class FeatureTerm(Protocol):
    """A loss of the features of a picture.

    Attributes:
        name: Under which its value is reported; terms of one name are added up.
        weight: In the sum that is minimised; not part of the value that is reported.
        layers: The layers that it looks at, with the weight of each.
    """

    name: str
    weight: float
    layers: Mapping[str, float]

    def loss(self, layer: str, features: Tensor) -> Tensor:
        """The loss at one layer: a scalar, for features 1×N×h×w."""
        ...


class PixelTerm(Protocol):
    """A loss of the pixels of a picture; `name` and `weight` as of `FeatureTerm`."""

    name: str
    weight: float

    def loss(self, image: Tensor) -> Tensor:
        """A scalar, for a picture 1×3×H×W, 0..1."""
        ...


@dataclass
class ContentTerm:
    """‖F − P‖² / ‖P‖² (Gatys 2015, eq. 1).

    Attributes:
        weight: See `FeatureTerm`.
        layers: See `FeatureTerm`.
        targets: Features of the frame, 1×N×h×w by layer.
    """

    weight: float
    layers: Mapping[str, float]
    targets: Mapping[str, Tensor]
    name: str = "content"

    def loss(self, layer: str, features: Tensor) -> Tensor:
        """See `FeatureTerm.loss`."""
        target = self.targets[layer]
        energy = content_loss(target, torch.zeros_like(target)) + _LEAST_ENERGY
        return (content_loss(features, target) / energy)[0]


class StyleTerm:
    """The distance of a statistic of features from a painting's, relative to that of features that are 0.

    Args:
        statistic: Of `vst.losses.style_statistics`.
        weight: See `FeatureTerm`.
        layers: See `FeatureTerm`.
        targets: What the statistic says of the paintings, by layer.
        mask: 1×1×H×W, 0..1: the region of the picture that counts; None: all of it.
    """

    name = "style"

    def __init__(
        self,
        statistic: StyleStatistic,
        weight: float,
        layers: Mapping[str, float],
        targets: Mapping[str, Tensor],
        mask: Tensor | None = None,
    ) -> None:
        self.weight, self.layers, self._targets, self._statistic = weight, layers, targets, statistic
        self._mask = mask
        self._channels: dict[str, Tensor] = {}
        self._energies: dict[str, Tensor] = {}

    def loss(self, layer: str, features: Tensor) -> Tensor:
        """See `FeatureTerm.loss`."""
        target = self._targets[layer]
        if layer not in self._energies:
            with torch.no_grad():
                nothing = self._statistic.distance(features.new_zeros(1, features.shape[1], 16, 16), target)
            self._energies[layer] = nothing.clamp_min(_LEAST_ENERGY)
        if self._mask is not None:
            if layer not in self._channels:
                self._channels[layer] = guidance_channel(self._mask, *features.shape[-2:])
            features = guided(features, self._channels[layer])
        return (self._statistic.distance(features.float(), target) / self._energies[layer])[0]


@dataclass
class VariationTerm:
    """Total variation.

    Attributes:
        weight: See `PixelTerm`.
        periodic: Whether opposite sides of the picture are neighbours.
    """

    weight: float
    periodic: bool = False
    name: str = "variation"

    def loss(self, image: Tensor) -> Tensor:
        """See `PixelTerm.loss`."""
        if not self.periodic:
            return total_variation(image)
        down, across = (image - image.roll(1, axis) for axis in (2, 3))
        return down.square().mean() + across.square().mean()


@dataclass
class LaplacianTerm:
    """The frame's edges (Li 2017).

    Attributes:
        weight: See `PixelTerm`.
        frame: 1×3×H×W.
    """

    weight: float
    frame: Tensor
    name: str = "laplacian"

    def loss(self, image: Tensor) -> Tensor:
        """See `PixelTerm.loss`."""
        return laplacian_loss(image, self.frame)[0]


def style_targets(
    source: FeatureSource,
    paintings: Sequence[Tensor],
    shares: Sequence[float],
    layers: Sequence[str],
    style_loss: str,
    tile: int | None = None,
    masks: Sequence[Tensor | None] = (),
) -> dict[str, Tensor]:
    """What a statistic says of several paintings together, by layer.

    Args:
        source: The loss network.
        paintings: 3×H×W each, 0..1, of any sizes.
        shares: Of each; they sum to 1.
        layers: Where.
        style_loss: A key of `STYLE_LOSSES`.
        tile: As for `FeatureSource.features`.
        masks: For each painting 1×H×W, 0..1, where it counts; None: everywhere.
    """
    found = [source.features(padded_if_small(each), layers, tile) for each in paintings]
    masks = [None if mask is None else padded_if_small(mask) for mask in masks]
    statistic = STYLE_LOSSES[style_loss]

    def described(layer: str) -> Tensor:
        counted = [guided_by(maps[layer].float(), mask) for maps, mask in with_masks(found, masks)]
        return statistic.describe(counted, shares)

    return {layer: described(layer) for layer in layers}


def content_layers(config: OptimisationConfig, available: Sequence[str]) -> dict[str, float]:
    """The layers at which content is compared, with weights that sum to 1.

    Raises:
        UsageError: The loss network lacks one that the user asks for.
    """
    if config.content_layers:
        return _given(config.content_layers, available, "content")
    return {next((each for each in CONTENT_LAYERS if each in available), available[-1]): 1.0}


def style_layers(
    config: OptimisationConfig, available: Sequence[str], wanted: Sequence[str] = STYLE_LAYERS
) -> dict[str, float]:
    """The layers at which style is compared, with weights that sum to 1.

    Args:
        config: With the layers that the user asks for, if any.
        available: Those of the loss network.
        wanted: Those of the mode; the ones that are there are taken.

    Raises:
        UsageError: The loss network lacks one that the user asks for.
    """
    if config.style_layers:
        return _given(config.style_layers, available, "style")
    found = [each for each in wanted if each in available] or [available[-1]]
    return {each: 1 / len(found) for each in found}


def _given(layers: LayerWeights, available: Sequence[str], what: str) -> dict[str, float]:
    for name, _ in layers:
        if name not in available:
            raise UsageError(
                f"the loss network has no {what} layer {name!r}: {suggestion(name, available)}"
            )
    whole = sum(weight for _, weight in layers)
    return {name: weight / whole for name, weight in layers}


@dataclass
class RangeTerm:
    """Mean squared distance of pixels from 0..1: what is written is clamped, which changes the losses."""

    weight: float
    name: str = "range"

    def loss(self, image: Tensor) -> Tensor:
        """See `PixelTerm.loss`."""
        return (image - image.clamp(0, 1)).square().mean()


def pixel_terms(config: OptimisationConfig, frame: Tensor) -> list[PixelTerm]:
    """The terms of pixels that the options ask for, for a frame 3×H×W."""
    found: list[PixelTerm] = [VariationTerm(config.variation_weight), RangeTerm(_RANGE_WEIGHT)]
    if config.laplacian_weight:
        found.append(LaplacianTerm(config.laplacian_weight, frame[None]))
    return found


@dataclass
class TemporalTerm:
    """Squared distance from earlier stylized frames: 1/D Σ c (x − ω)² (Ruder 2016, eq. 7).

    Attributes:
        weight: See `PixelTerm`.
        past: ω, 1×3×H×W: the earlier frames, warped to this one.
        trust: c, 1×1×H×W, 0..1.
    """

    weight: float
    past: Tensor
    trust: Tensor
    name: str = "temporal"

    def loss(self, image: Tensor) -> Tensor:
        """See `PixelTerm.loss`."""
        return temporal_loss(image, self.past, self.trust)
