"""The sum of the terms, and its gradient with respect to the pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vst.modes.optimisation.features import FeatureSource
from vst.modes.optimisation.terms import FeatureTerm, PixelTerm


@dataclass(frozen=True)
class Evaluation:
    """The losses of one picture.

    Attributes:
        total: What is minimised.
        losses: Each term's value by name, without its weight.
        gradient: Of the total, 3×H×W, fp32.
    """

    total: float
    losses: Mapping[str, float]
    gradient: Tensor


class Objective:
    """What is minimised over the pixels of one picture.

    Args:
        source: Features.
        features: Terms of features.
        pixels: Terms of pixels.
        tile: Side of tiles in pixels; None: no tiles.
    """

    def __init__(
        self,
        source: FeatureSource,
        features: Sequence[FeatureTerm],
        pixels: Sequence[PixelTerm] = (),
        tile: int | None = None,
    ) -> None:
        # A term of weight 0 would cost as much as any.
        self._source, self._tile = source, tile
        self._features = [term for term in features if term.weight]
        self._pixels = [term for term in pixels if term.weight]
        self._layers = tuple(dict.fromkeys(layer for term in self._features for layer in term.layers))

    @property
    def weight(self) -> float:
        """The sum of the weights: about the loss of a picture without any features."""
        weights = [term.weight for term in self._features] + [term.weight for term in self._pixels]
        return sum(weights)

    def __call__(self, image: Tensor) -> Evaluation:
        """Evaluate a picture, 3×H×W, fp32, 0..1."""
        losses: dict[str, float] = {}
        total = 0.0

        def count(name: str, value: float, weight: float, share: float = 1.0) -> None:
            nonlocal total
            losses[name] = losses.get(name, 0.0) + share * value
            total += weight * share * value

        def at_layer(layer: str, maps: Tensor) -> Tensor:
            leaf = maps.requires_grad_(True)
            terms = [term for term in self._features if layer in term.layers]
            values = [term.loss(layer, leaf) for term in terms]
            for term, value in zip(terms, values, strict=True):
                count(term.name, value.item(), term.weight, term.layers[layer])
            whole = sum(
                term.weight * term.layers[layer] * value for term, value in zip(terms, values, strict=True)
            )
            assert isinstance(whole, Tensor)  # each layer belongs to a term
            (gradient,) = torch.autograd.grad(whole, leaf)
            return gradient

        with torch.enable_grad():
            gradient = torch.zeros_like(image)
            if self._layers:
                gradient += self._source.gradient(image, self._layers, at_layer, self._tile)
            for term in self._pixels:
                leaf = image.detach().requires_grad_(True)
                value = term.loss(leaf[None])
                count(term.name, value.item(), term.weight)
                (slope,) = torch.autograd.grad(term.weight * value, leaf)
                gradient += slope
        return Evaluation(total, losses, gradient)
