"""The clip's palette in the stylized frame: colours are moved so that their statistics are the clip's.

A linear map brings mean and covariance of the stylization's R'G'B' to those of the frame, by the Cholesky
factors of both (Gatys 2016, "Preserving color in neural artistic style transfer", section 4.1). Statistics
of single frames change with every object that enters, and colours would pump: so they are a running mean
over the frames of a shot, which has no need of later frames. Only light is faster than that: where the
clip fades to black or white, `vst.postprocess.light` follows the frame itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vst.postprocess.colour import fit_chroma, luminance, luminance_within
from vst.postprocess.light import lit

_WINDOW = 48
"""Frames that the running mean goes back, about; it begins as the mean of all frames of the shot."""

_CHANGING = 1 / 8
"""Weight of a frame whose style is another than that of the frame before."""

_NOISE = 1e-3
"""Added to variances: a stylization of hardly any variation must not be amplified."""

_STEP = 2
"""Every second pixel in either direction counts: enough for means over a frame."""

_ROWS = 128
"""Rows that are mapped at once, to bound the memory for intermediate results."""


@dataclass(frozen=True, slots=True)
class ColourMap:
    """Moves the colours of one stylized frame.

    Attributes:
        matrix: 3×3.
        offset: 3.
        light: Mean luma of the clip that the map brings about.
        frame_light: Mean luma of the frame.
    """

    matrix: Tensor
    offset: Tensor
    light: float
    frame_light: float

    def __call__(self, stylized: Tensor, follow_light: bool) -> Tensor:
        """Move the colours.

        Args:
            stylized: 3×H×W, RGB, 0..1, as the network gave it.
            follow_light: Whether a fade to black ends black, and a white frame is white.

        Returns:
            3×H×W, 0..1. Colours that would be outside have less chroma, and keep hue and luminance.
        """
        out = torch.empty_like(stylized)
        for top in range(0, stylized.shape[-2], _ROWS):
            rows = slice(top, top + _ROWS)
            part = stylized[:, rows]
            moved = (self.matrix @ part.flatten(1)).view_as(part) + self.offset.view(3, 1, 1)
            if follow_light:
                moved = lit(moved, self.frame_light, self.light)
            light = luminance(moved)
            out[:, rows] = fit_chroma(light.clamp(0, 1), moved - light)
        return out.clamp_(0, 1)


class PaletteMatcher:
    """Running statistics of a shot's frames and of their stylizations."""

    def __init__(self) -> None:
        self._count = 0
        self._moments = torch.zeros(2, 3, 4, dtype=torch.float64)

    def clear(self) -> None:
        """A shot begins."""
        self._count = 0

    def advance(self, stylized: Tensor, frame: Tensor, style_changes: bool = False) -> ColourMap:
        """Take up the next frame.

        Args:
            stylized: 3×h×w, RGB, 0..1.
            frame: 3×h×w, RGB, nominally 0..1, what was stylized.
            style_changes: Whether the style is another than that of the frame before.

        Returns:
            What moves the frame's colours.
        """
        self._count += 1
        now = torch.stack((_moments(stylized), _moments(frame.clamp(0, 1))))
        weight = max(1 / self._count, _CHANGING if style_changes else 1 / _WINDOW)
        self._moments = now if self._count == 1 else torch.lerp(self._moments, now, weight)
        (of_stylized, mean), (of_clip, wanted) = map(_split, self._moments)
        matrix = of_clip @ torch.linalg.inv(of_stylized)
        offset = wanted - matrix @ mean
        light = float(luminance(wanted.float().view(3, 1, 1)))
        return ColourMap(matrix.float(), offset.float(), light, float(luminance_within(frame).mean()))

    def snapshot(self) -> tuple[Tensor, ...]:
        """The exact state."""
        return torch.tensor([self._count]), self._moments

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Take up what `snapshot` returned."""
        count, self._moments = state
        self._count = int(count)


def _moments(image: Tensor) -> Tensor:
    """Mean products of the channels and means of the channels of a picture, 3×4 float64."""
    pixels = image[:, ::_STEP, ::_STEP].flatten(1).double()
    with_one = torch.cat((pixels, torch.ones_like(pixels[:1])))
    return pixels @ with_one.T / pixels.shape[1]


def _split(moments: Tensor) -> tuple[Tensor, Tensor]:
    """The Cholesky factor of the covariance, 3×3, and the mean, 3, of what `_moments` gives."""
    mean = moments[:, 3]
    covariance = moments[:, :3] - mean[:, None] * mean
    return torch.linalg.cholesky(covariance + _NOISE * torch.eye(3, dtype=moments.dtype)), mean
