"""What every optical flow estimator can do."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Estimator(Protocol):
    """Optical flow between two frames of one size.

    An estimator subclasses this, sets ``name`` and writes ``estimate``; the other two have defaults. One
    object serves one thread.
    """

    name: str

    def estimate(self, a: Tensor, b: Tensor) -> Tensor:
        """Flow on a's grid with a(p) ≈ b(p + flow(p)).

        So ``Motion.flow`` is ``estimate(current, earlier)``.

        Args:
            a: 3×H×W, RGB, nominally 0..1 (clamped), or what ``prepare`` made of such a picture.
            b: The same for the other frame, of the same size.

        Returns:
            Float32 tensor 2×H×W, pixels, x then y, on a's device.

        Raises:
            ValueError: The shapes differ or are not those of pictures.
        """
        ...

    def estimate_pair(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Both directions: (flow a -> b on a's grid, flow b -> a on b's grid)."""
        return self.estimate(a, b), self.estimate(b, a)

    def prepare(self, image: Tensor) -> Tensor:
        """The compact form in which an earlier frame is kept until flow to it is wanted.

        Args:
            image: 3×H×W, RGB, nominally 0..1.

        Returns:
            What ``estimate`` takes in place of the image; here the picture in 8 bits.
        """
        return to_bytes(image)


def to_bytes(image: Tensor) -> Tensor:
    """8-bit form of a picture with values 0..1 (clamped, rounded); one in 8 bits comes back as it is."""
    if image.dtype == torch.uint8:
        return image
    return (image.float().clamp(0, 1) * 255).round().to(torch.uint8)
