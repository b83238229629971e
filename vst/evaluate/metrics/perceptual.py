"""Content and style losses of outputs, each relative to the energy of its target."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vst.evaluate.metrics.metric import ContentStyleFunction, Metric, Sample
from vst.losses.perceptual import PerceptualLoss, style_targets


class ContentStyleMeter:
    """Content and style losses of one output against several style images at once.

    Args:
        network: From ``load_loss_network``.
        pictures: Style images, 3×H×W, 0..1, of any sizes.
    """

    def __init__(self, network: nn.Module, pictures: Sequence[Tensor]) -> None:
        self._device = next(network.parameters()).device
        pictures = [picture.to(self._device) for picture in pictures]
        self._loss = PerceptualLoss(network, [style_targets(network, [picture]) for picture in pictures])

    @torch.inference_mode()
    def target(self, photo: Tensor) -> Tensor:
        """Features of a photograph, 3×H×W, that the content of its outputs is compared with."""
        return self._loss.content_target(photo.clamp(0, 1)[None].to(self._device))

    @torch.inference_mode()
    def __call__(self, output: Tensor, target: Tensor, against: Sequence[int]) -> tuple[float, list[float]]:
        """Measure one output.

        Args:
            output: 3×H×W, 0..1.
            target: From ``target``.
            against: Indices of style images.

        Returns:
            The content loss, and the style loss against each of these images.
        """
        # The output's Gram matrices are computed once and broadcast against those of the style images.
        against_here = torch.tensor(against, device=self._device)
        terms = self._loss(output[None].to(self._device), target, against_here)
        return float(terms.content), terms.style.tolist()


def content_style_function(network: nn.Module, picture: Tensor) -> ContentStyleFunction:
    """Content and style loss against one style image, as a function of output and frame.

    Args:
        network: From ``load_loss_network``.
        picture: 3×H×W, 0..1.
    """
    meter = ContentStyleMeter(network, [picture])
    last: tuple[Tensor, Tensor] | None = None

    def measure(output: Tensor, frame: Tensor) -> tuple[float, float]:
        nonlocal last
        # Several outputs of one frame come one after the other.
        if last is None or last[0] is not frame:
            last = (frame, meter.target(frame))
        content, (style,) = meter(output, last[1], [0])
        return content, style

    return measure


def _losses(sample: Sample) -> tuple[float, float]:
    if sample.content_style is None or sample.frame is None:
        return math.nan, math.nan
    return sample.content_style(sample.output, sample.frame)


def _content(sample: Sample) -> float:
    return sample.once(_losses)[0]


def _style(sample: Sample) -> float:
    return sample.once(_losses)[1]


METRICS = (
    Metric(
        name="content",
        title="Content loss",
        definition="content loss of training, relative to the energy of the frame's features",
        unit="",
        better="lower",
        section="appearance",
        measure=_content,
    ),
    Metric(
        name="style",
        title="Style loss",
        definition="style loss of training, relative to the energy of the style image's Gram matrices",
        unit="",
        better="lower",
        section="appearance",
        measure=_style,
    ),
)
