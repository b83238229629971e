"""Strength, and whose colours a stylized frame has."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vst.colour_modes import KEEP, LUMINANCE, STYLE

_ROWS = 128
"""Rows that are processed at once, to bound the memory for intermediate results."""

LUMA = (0.2126, 0.7152, 0.0722)
"""Weights of R, G and B in Y, Rec. 709."""


@dataclass(frozen=True)
class Postprocess:
    """What happens to every stylized frame before it is written.

    Attributes:
        strength: 1 is the stylized frame, 0 the original.
        colour: One of `vst.colour_modes`; `match` is done before, with what is known of the shot.
        follow_light: Whether dark and nearly white frames stay so; see `vst.postprocess.light`.
    """

    strength: float = 1.0
    colour: str = STYLE
    follow_light: bool = True

    @property
    def keeps_colour(self) -> bool:
        """Whether the colour is that of the original."""
        return self.colour in (KEEP, LUMINANCE)

    def __call__(self, stylized: Tensor, frame: Tensor) -> Tensor:
        """Apply strength and colour.

        Args:
            stylized: 3×H×W, RGB, 0..1.
            frame: 3×H×W, the original.

        Returns:
            3×H×W. At strength 0 it is `frame` itself, bit for bit, colours outside 0..1 included.
        """
        if self.strength == 0:
            return frame
        if self.strength == 1 and not self.keeps_colour:
            return stylized
        out = torch.empty_like(stylized)
        for top in range(0, frame.shape[-2], _ROWS):
            rows = slice(top, top + _ROWS)
            out[:, rows] = self._apply(stylized[:, rows], frame[:, rows])
        return out

    def _apply(self, stylized: Tensor, frame: Tensor) -> Tensor:
        if self.keeps_colour:
            stylized = keep_color(stylized, frame)
        return stylized if self.strength == 1 else torch.lerp(frame, stylized, self.strength)


def luminance(image: Tensor) -> Tensor:
    """Y, 1×H×W, of an image 3×H×W, RGB."""
    red, green, blue = (plane * weight for plane, weight in zip(image.split(1), LUMA, strict=True))
    return red.add_(green).add_(blue)


def luminance_within(image: Tensor) -> Tensor:
    """`luminance` of the image clamped to 0..1, without a clamped copy of the whole image."""
    out = torch.empty_like(image[:1])
    for top in range(0, image.shape[-2], _ROWS):
        rows = slice(top, top + _ROWS)
        out[:, rows] = luminance(image[:, rows].clamp(0, 1))
    return out


def keep_color(stylized: Tensor, frame: Tensor) -> Tensor:
    """Y of the stylized frame with Cb and Cr of the original.

    Adding the difference of the luminances to R, G and B alike does not change Cb and Cr. Where the result
    would leave 0..1, the chroma is reduced, so that the luminance is exact.

    Args:
        stylized: 3×H×W, RGB, 0..1.
        frame: 3×H×W, RGB, nominally 0..1.

    Returns:
        3×H×W, RGB, 0..1.
    """
    wanted = luminance(stylized).clamp(0, 1)
    frame = frame.clamp(0, 1)
    return fit_chroma(wanted, frame - luminance(frame))


def fit_chroma(light: Tensor, chroma: Tensor) -> Tensor:
    """A picture of some luminance, with as much of a chroma as fits into 0..1.

    Args:
        light: 1×H×W, 0..1.
        chroma: 3×H×W, RGB without its luminance.

    Returns:
        3×H×W, RGB, 0..1, of exactly that luminance and hue.
    """
    # Largest share s of the chroma with 0 <= light + s * chroma <= 1 in every channel.
    headroom = torch.where(chroma > 0, 1 - light, light) / chroma.abs().clamp_min(1e-6)
    return light + chroma * headroom.amin(0, keepdim=True).clamp(max=1)
