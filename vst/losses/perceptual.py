"""Content and style by the features of a loss network (Gatys 2015, Johnson 2016).

With F the features (N maps of M pixels) of one image at one layer, G = F Fᵀ / M of that image's own M:
style at a layer E = ‖G − A‖² / (4 N²), content = mean squared difference of features. Dividing by M
makes style images and frames of different sizes comparable (one of the papers leaves the division
out, which is right for equal sizes only).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vst.errors import VstError
from vst.losses.guidance import guided_by, with_masks
from vst.losses.style_statistics import STYLE_LOSSES

GRAM = "gram"
CONTENT_LAYER = "relu3_3"
_ZEROS = (16, 16)
STYLE_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of B×N×h×w features; one value a picture, B, in fp32."""
    return (features.float() - target.float()).square().mean((1, 2, 3))


class ContentAndStyle(NamedTuple):
    """Content and style loss of each picture of a batch, relative to its target's own energy; B each."""

    content: Tensor
    style: Tensor


class PerceptualLoss(nn.Module):
    """Content and style losses against frames and style images, relative to the targets' own energy.

    Relative losses mean the same at every layer, style and clip: content is ‖F − P‖² / ‖P‖², style is
    the mean over layers of ‖G − A‖² / ‖A‖², so one pair of weights serves every style. Statistics other
    than Gram matrices are relative to the distance of features that are 0, too.

    Args:
        network: A loss network, see `vst.nn.vgg`.
        styles: One mapping a style, from layer to what `style_targets` gives.
        content_layer: Where content is compared.
        style_loss: Name of the statistic, one of `vst.losses.style_statistics.STYLE_LOSSES`.
    """

    def __init__(
        self,
        network: nn.Module,
        styles: Sequence[Mapping[str, Tensor]],
        content_layer: str = CONTENT_LAYER,
        style_loss: str = GRAM,
    ) -> None:
        super().__init__()
        self.network = network
        self.content_layer = content_layer
        self.layers = tuple(styles[0])
        self._statistic = STYLE_LOSSES[style_loss]
        for layer in self.layers:
            targets = torch.cat([style[layer] for style in styles])
            self.register_buffer(f"style_{layer}", targets, persistent=False)

    def content_target(self, frames: Tensor) -> Tensor:
        """Features of B×3×H×W frames, 0..1, for `forward`."""
        with torch.no_grad():
            return self.network(frames, (self.content_layer,))[self.content_layer]

    def forward(self, output: Tensor, target: Tensor, style: Tensor) -> ContentAndStyle:
        """The two losses.

        Args:
            output: B×3×H×W, RGB 0..1, the stylized frames.
            target: B×N×h×w from `content_target`.
            style: B, int64, the style that each is compared to.
        """
        features = self.network(output, {self.content_layer, *self.layers})
        energy = content_loss(target, torch.zeros_like(target)) + 1e-8
        content = content_loss(features[self.content_layer], target) / energy
        terms = []
        for layer in self.layers:
            wanted, found = self.get_buffer(f"style_{layer}")[style], features[layer]
            with torch.no_grad():
                zeros = found.new_zeros(1, found.shape[1], *_ZEROS)  # of any size: they are all equal
                nothing = self._statistic.distance(zeros, wanted)
            terms.append(self._statistic.distance(found, wanted) / nothing)
        return ContentAndStyle(content, torch.stack(terms).mean(0))


def available_layers(wanted: Sequence[str], available: Sequence[str]) -> tuple[str, ...]:
    """The layers to use for `wanted`: the nearest of the same stage where the network lacks one.

    >>> available_layers(("relu2_2", "relu4_3"), ("relu2_2", "relu4_1"))
    ('relu2_2', 'relu4_1')
    """

    def place(layer: str) -> tuple[int, int]:
        stage, number = layer.removeprefix("relu").split("_")
        return int(stage), int(number)

    found = []
    for layer in wanted:
        same = [name for name in available if place(name)[0] == place(layer)[0]]
        if not same:
            raise VstError(f"the loss network has no layer like {layer}; it has {', '.join(available)}")
        found.append(min(same, key=lambda name: abs(place(name)[1] - place(layer)[1])))
    return tuple(dict.fromkeys(found))


def style_targets(
    network: nn.Module,
    images: Sequence[Tensor],
    layers: Sequence[str] = STYLE_LAYERS,
    style_loss: str = GRAM,
    masks: Sequence[Tensor | None] = (),
) -> dict[str, Tensor]:
    """What a style's features are to match; of several images (a hybrid style) the mean.

    Args:
        network: A loss network.
        images: 3×H×W each, RGB 0..1, of any sizes.
        layers: Where to look; see `available_layers` for those that the network lacks.
        style_loss: As for `PerceptualLoss`.
        masks: For each image 1×H×W, 0..1, where it counts (`vst.losses.guidance`); None: everywhere.

    Returns:
        By layer, 1×…; of Gram matrices 1×N×N in fp32.
    """
    wanted = available_layers(layers, network.layers)  # type: ignore[arg-type]
    with torch.no_grad():
        found = [network(image[None], wanted) for image in images]
    statistic = STYLE_LOSSES[style_loss]
    return {
        layer: statistic.describe([guided_by(one[layer], mask) for one, mask in with_masks(found, masks)])
        for layer in wanted
    }
