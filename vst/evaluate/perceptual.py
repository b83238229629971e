"""Content and style of paintings, each relative to its target's own energy."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vst.evaluate.curves import Perceptual
from vst.losses.perceptual import PerceptualLoss, style_targets


class Gauge:
    """The two losses of one painting against several style pictures at once.

    Args:
        network: From ``load_loss_network``.
        pictures: Style pictures, 3×H×W, 0..1, of any sizes.
    """

    def __init__(self, network: nn.Module, pictures: Sequence[Tensor]) -> None:
        self._device = next(network.parameters()).device
        pictures = [picture.to(self._device) for picture in pictures]
        self._loss = PerceptualLoss(network, [style_targets(network, [picture]) for picture in pictures])

    @torch.inference_mode()
    def target(self, photo: Tensor) -> Tensor:
        """What the content of a photograph's paintings is compared with."""
        return self._loss.content_target(photo.clamp(0, 1)[None].to(self._device))

    @torch.inference_mode()
    def __call__(
        self, painting: Tensor, target: Tensor, against: Sequence[int]
    ) -> tuple[float, list[float]]:
        """Measure.

        Args:
            painting: 3×H×W, 0..1.
            target: From ``target``.
            against: Numbers of style pictures.

        Returns:
            The content loss, and the style loss against each picture.
        """
        # The painting's Gram matrices are made once and broadcast against those of the pictures.
        against_here = torch.tensor(against, device=self._device)
        terms = self._loss(painting[None].to(self._device), target, against_here)
        return float(terms.content), terms.style.tolist()


def perceptual_losses(network: nn.Module, picture: Tensor) -> Perceptual:
    """Content and style loss against one style picture, as curves want them.

    Args:
        network: From ``load_loss_network``.
        picture: 3×H×W, 0..1.
    """
    gauge = Gauge(network, [picture])
    last: tuple[Tensor, Tensor] | None = None

    def perceptual(output: Tensor, frame: Tensor) -> tuple[float, float]:
        nonlocal last
        # Several paintings of one frame come one after the other.
        if last is None or last[0] is not frame:
            last = (frame, gauge.target(frame))
        content, (style,) = gauge(output, last[1], [0])
        return content, style

    return perceptual
