"""Content and style by the features of a loss network (Gatys 2015, Johnson 2016).

With F the features (N maps of M pixels) of one image at one layer, G = F Fᵀ / M of that image's own M:
style at a layer E = ‖G − A‖² / (4 N²), content = mean squared difference of features. Dividing by M
makes style images and frames of different sizes comparable (one of the papers leaves the division
out, which is right for equal sizes only).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from vst.errors import VstError

CONTENT_LAYER = "relu3_3"
STYLE_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")


class _Gram(torch.autograd.Function):
    """F Fᵀ / M with its gradient, (g + gᵀ) F / M, as one product where autograd would take two and a sum.

    Maps are read as channels_last, which is how the loss network leaves them: nothing is copied. A training
    step's Gram matrices take a third of the time.
    """

    @staticmethod
    def forward(context: Any, features: Tensor) -> Tensor:
        context.save_for_backward(features)
        maps = features.permute(0, 2, 3, 1).flatten(1, 2)
        return torch.bmm(maps.transpose(1, 2), maps).float() / maps.shape[1]

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        (features,), (gradient,) = context.saved_tensors, gradients
        batch, channels, height, width = features.shape
        maps = features.permute(0, 2, 3, 1).flatten(1, 2)
        both = ((gradient + gradient.transpose(1, 2)) / maps.shape[1]).to(maps.dtype)
        return torch.bmm(maps, both).view(batch, height, width, channels).permute(0, 3, 1, 2)


def gram_matrix(features: Tensor) -> Tensor:
    """G = F Fᵀ / M: B×N×h×w to B×N×N in fp32; can be differentiated once."""
    gram: Tensor = _Gram.apply(features)
    return gram


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of B×N×h×w features; one value a picture, B, in fp32."""
    return (features.float() - target.float()).square().mean((1, 2, 3))


def style_loss(gram: Tensor, target: Tensor) -> Tensor:
    """‖G − A‖² / (4 N²) (Gatys 2015, eq. 4, on Gram matrices per pixel); one value a picture, B.

    Args:
        gram: B×N×N.
        target: B×N×N or 1×N×N.
    """
    return (gram - target).square().sum((1, 2)) / (4 * gram.shape[-1] ** 2)


class ContentAndStyle(NamedTuple):
    """Content and style loss of each picture of a batch, relative to its target's own energy; B each."""

    content: Tensor
    style: Tensor


class PerceptualLoss(nn.Module):
    """Content and style losses against frames and style images, relative to the targets' own energy.

    Relative losses mean the same at every layer, style and clip: content is ‖F − P‖² / ‖P‖², style is
    the mean over layers of ‖G − A‖² / ‖A‖², so one pair of weights serves every style.

    Args:
        network: A loss network, see `vst.nn.vgg`.
        styles: One mapping a style, from layer to 1×N×N Gram matrix, see `style_targets`.
        content_layer: Where content is compared.
    """

    def __init__(
        self, network: nn.Module, styles: Sequence[Mapping[str, Tensor]], content_layer: str = CONTENT_LAYER
    ) -> None:
        super().__init__()
        self.network = network
        self.content_layer = content_layer
        self.layers = tuple(styles[0])
        for layer in self.layers:
            targets = torch.cat([style[layer] for style in styles])
            self.register_buffer(f"gram_{layer}", targets, persistent=False)

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
            wanted = self.get_buffer(f"gram_{layer}")[style]
            energy = style_loss(wanted, torch.zeros_like(wanted))
            terms.append(style_loss(gram_matrix(features[layer]), wanted) / energy)
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
    network: nn.Module, images: Sequence[Tensor], layers: Sequence[str] = STYLE_LAYERS
) -> dict[str, Tensor]:
    """Gram matrices of a style, the mean over its images (several make one hybrid style).

    Args:
        network: A loss network.
        images: 3×H×W each, RGB 0..1, of any sizes.
        layers: Where to look; see `available_layers` for those that the network lacks.

    Returns:
        1×N×N in fp32 by layer.
    """
    wanted = available_layers(layers, network.layers)  # type: ignore[arg-type]
    with torch.no_grad():
        found = [network(image[None], wanted) for image in images]
    return {layer: torch.stack([gram_matrix(one[layer]) for one in found]).mean(0) for layer in wanted}
