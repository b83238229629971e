"""What means over a picture hide: its plain parts, its border, and patterns tied to the pixel grid."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vst.evaluate.images import detail_energy
from vst.losses.gram import style_loss
from vst.losses.perceptual import CONTENT_LAYER

WINDOW, AT = 32, 480
"""Side of the windows of `flat` in pixels, for a picture with this short side."""

RIM = 16
"""Width of the border in pixels."""

_GRID = 4


def flat(photo: Tensor, stylized: Tensor, painting: Tensor) -> float:
    """Detail energy where the photograph has least, over the painting's mean.

    Windows of `WINDOW` pixels at `AT` and in proportion elsewhere; the third of them where the photograph
    has the least detail energy. A pattern of the pixel grid counts as detail: read it beside `grid`.

    Args:
        photo: 3×H×W, 0..1.
        stylized: 3×H×W, 0..1.
        painting: 3×h×w, 0..1, in the size that the style is compared in.
    """
    side = max(1, round(WINDOW * min(photo.shape[-2:]) / AT))
    least = F.avg_pool2d(detail_energy(photo)[None], side).flatten()
    found = F.avg_pool2d(detail_energy(stylized)[None], side).flatten()
    plain = least.argsort()[: max(1, len(least) // 3)]
    return float(found[plain].mean() / detail_energy(painting).mean())


def grid(image: Tensor) -> float:
    """How uneven the detail energy is over the 16 places of a 4×4 cell of pixels; 0 is even.

    The standard deviation over the mean. Depth-to-space and transposed convolutions leave such patterns.
    """
    energy = detail_energy(image)[0]
    height, width = (each // _GRID * _GRID for each in energy.shape)
    cells = energy[:height, :width].view(height // _GRID, _GRID, width // _GRID, _GRID).mean((0, 2))
    return float(cells.std(correction=0) / cells.mean())


@torch.inference_mode()
def rim_losses(
    network: nn.Module, photo: Tensor, stylized: Tensor, grams: Mapping[str, Tensor]
) -> tuple[float, float] | None:
    """Content and style loss over the outer `RIM` pixels, over those of the same pictures cut smaller.

    Four times `RIM` is cut off at each side. So both rings meet the loss network's zeros beyond the border,
    and have about as many features: style of few features is further from any painting's.

    Args:
        network: A loss network.
        photo: 3×H×W, 0..1.
        stylized: 3×H×W, 0..1.
        grams: The painting's Gram matrices by layer, from `style_targets`.

    Returns:
        The two ratios; 1 is no worse than inside. None for a picture that is too small for an inner ring.
    """
    if min(photo.shape[-2:]) < 12 * RIM:
        return None
    cut = (..., slice(4 * RIM, -4 * RIM), slice(4 * RIM, -4 * RIM))
    outer, inner = (
        _ring_losses(network, *pictures, grams)
        for pictures in ((photo, stylized), (photo[cut], stylized[cut]))
    )
    return outer[0] / inner[0], outer[1] / inner[1]


def _ring_losses(
    network: nn.Module, photo: Tensor, stylized: Tensor, grams: Mapping[str, Tensor]
) -> tuple[float, float]:
    wanted = _ring(network(photo[None], (CONTENT_LAYER,))[CONTENT_LAYER], photo)
    found = {
        name: _ring(each, photo) for name, each in network(stylized[None], {CONTENT_LAYER, *grams}).items()
    }
    content = (found[CONTENT_LAYER] - wanted).square().mean() / wanted.square().mean()
    style = 0.0
    for layer, gram in grams.items():
        own = (found[layer] @ found[layer].T / found[layer].shape[1])[None]
        style += float(style_loss(own, gram) / style_loss(gram, torch.zeros_like(gram)))
    return float(content), style


def _ring(features: Tensor, photo: Tensor) -> Tensor:
    """The features, 1×N×h×w, of the outer `RIM` pixels of a photograph: N×M."""
    width = round(RIM * features.shape[-1] / photo.shape[-1])
    outside = torch.ones(features.shape[-2:], dtype=torch.bool)
    outside[width:-width, width:-width] = False
    return features[0][:, outside]
