"""How far two sets of pictures are apart, by the moments of a loss network's features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from vst.losses.perceptual import STYLE_LAYERS, available_layers


@dataclass
class FeatureMoments:
    """Sums over all pixels of all pictures of a set, by layer.

    Attributes:
        pixels: Number of pixels of the feature maps.
        means: Sums of the features, N, float64.
        grams: Sums of their products, N×N, float64.
    """

    pixels: dict[str, int] = field(default_factory=dict)
    means: dict[str, Tensor] = field(default_factory=dict)
    grams: dict[str, Tensor] = field(default_factory=dict)

    def add(self, layer: str, features: Tensor) -> None:
        """Add the features of a picture at a layer, N×h×w."""
        flat = features.flatten(1).double()
        self.pixels[layer] = self.pixels.get(layer, 0) + flat.shape[1]
        self.means[layer] = self.means.get(layer, torch.zeros(())) + flat.sum(1)
        self.grams[layer] = self.grams.get(layer, torch.zeros(())) + flat @ flat.T

    def mean(self, layer: str) -> Tensor:
        """The mean of the features, N."""
        return self.means[layer] / self.pixels[layer]

    def gram(self, layer: str) -> Tensor:
        """The Gram matrix per pixel, N×N."""
        return self.grams[layer] / self.pixels[layer]

    def covariance(self, layer: str) -> Tensor:
        """The Gram matrix without the mean's part, N×N."""
        mean = self.mean(layer)
        return self.gram(layer) - torch.outer(mean, mean)


def distance(given: FeatureMoments, wanted: FeatureMoments) -> float:
    """The mean over layers of the Fréchet distance of two sets, relative to the energy of the wanted one.

    At a layer |μ − ν|² + tr(C + D − 2 (C D)^½), with mean and covariance of the features of all pixels
    (Heusel 2017 has one feature a picture), divided by the trace of the wanted Gram matrix. 0 for sets with
    the same mean and Gram matrix; 1 if the given features are all 0.
    """
    terms = []
    for layer in wanted.pixels:
        apart = (given.mean(layer) - wanted.mean(layer)).square().sum()
        one, other = given.covariance(layer), wanted.covariance(layer)
        root = _root(other)
        shared = torch.linalg.eigvalsh(root @ one @ root).clamp(min=0).sqrt().sum()
        apart = apart + one.trace() + other.trace() - 2 * shared
        terms.append(float(apart / wanted.gram(layer).trace()))
    return max(sum(terms) / len(terms), 0.0)


@torch.inference_mode()
def moments_of(network: nn.Module, pictures: Iterable[Tensor]) -> FeatureMoments:
    """The moments of pictures, 3×H×W each, 0..1, at the layers of the style loss."""
    wanted: Sequence[str] = available_layers(STYLE_LAYERS, network.layers)  # type: ignore[arg-type]
    moments = FeatureMoments()
    for picture in pictures:
        found = network(picture[None].clamp(0, 1), wanted)
        for layer in wanted:
            moments.add(layer, found[layer][0].float())
    return moments


def nearest(given: FeatureMoments, sets: dict[str, FeatureMoments]) -> str:
    """The name of the set at the smallest distance."""
    return min(sets, key=lambda name: distance(given, sets[name]))


def _root(matrix: Tensor) -> Tensor:
    """The square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T
