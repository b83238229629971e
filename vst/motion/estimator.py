"""The interface of an optical flow estimator."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Estimator(Protocol):
    """Optical flow between two frames of one size.

    An estimator subclasses this, sets ``name`` and implements ``estimate``; the other methods have
    defaults. Use one object per thread.
    """

    name: str

    def estimate(self, a: Tensor, b: Tensor) -> Tensor:
        """Flow on a's grid with a(p) ≈ b(p + flow(p)).

        So ``Motion.flow`` is ``estimate(current, earlier)``.

        Args:
            a: 3×H×W, RGB, nominally 0..1 (clamped), or what ``prepare`` returned for such a picture.
            b: The same for the other frame, of the same size.

        Returns:
            Float32 tensor 2×H×W, pixels, x then y, on a's device.

        Raises:
            ValueError: The shapes differ, or are not 3×H×W.
        """
        ...

    def estimate_pair(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Both directions: (flow a -> b on a's grid, flow b -> a on b's grid).

        An estimator may find one from the other, so that it differs a little from what ``estimate`` gives.
        """
        return self.estimate(a, b), self.estimate(b, a)

    def prepare(self, image: Tensor) -> Tensor:
        """The compact form in which a frame is kept for later estimates.

        Args:
            image: 3×H×W, RGB, nominally 0..1.

        Returns:
            What ``estimate`` accepts in place of the image; by default the picture in 8 bits.
        """
        return to_bytes(image)


def to_bytes(image: Tensor) -> Tensor:
    """A picture with values 0..1 as uint8 (clamped, rounded); a uint8 picture is returned unchanged."""
    if image.dtype == torch.uint8:
        return image
    return (image.float().clamp(0, 1) * 255).round().to(torch.uint8)
