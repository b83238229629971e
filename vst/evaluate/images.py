"""What all metrics share: luma, quantization to 8 bits, and the check that two images match."""

from __future__ import annotations

import torch
from torch import Tensor

from vst.losses.temporal import LUMINANCE
from vst.motion.neighbourhood import mean_around

_DETAIL = 5
"""Side in pixels of the mean that detail is the difference from."""


def in_8_bits(image: Tensor) -> Tensor:
    """Clamp an image to 0..1 and round it to steps of 1/255, as a viewer gets it."""
    return (image.clamp(0, 1) * 255).round() / 255


def luma(image: Tensor) -> Tensor:
    """BT.709 luma of an image: 3×H×W to H×W."""
    weights = torch.tensor(LUMINANCE, dtype=torch.float32, device=image.device)
    return torch.einsum("c,chw->hw", weights, image.float())


def detail_energy(image: Tensor) -> Tensor:
    """The square of Y minus its 5×5 mean, 1×H×W, of an image 3×H×W, 0..1."""
    y = luma(image)[None]
    return (y - mean_around(y, _DETAIL)).square()


def check_same_shape(a: Tensor, b: Tensor) -> None:
    """Check that two images can be compared pixel by pixel.

    Raises:
        ValueError: The shapes differ, or are not 3×H×W.
    """
    if a.dim() != 3 or a.shape != b.shape:
        raise ValueError(
            f"cannot compare images of shape {tuple(a.shape)} and {tuple(b.shape)}; "
            "expected 3×H×W of one size"
        )
