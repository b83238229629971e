"""Strength and colour preservation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_ROWS = 128
"""Rows of a large frame that are finished at once, so that what is in between takes little memory."""

LUMA = (0.2126, 0.7152, 0.0722)
"""Rec. 709's weights of R, G and B in Y."""


@dataclass(frozen=True)
class Postprocess:
    """What is done to every painted frame.

    Attributes:
        strength: 1 is all painting, 0 the frame as it was.
        keep_color: Luminance of the painting, colour of the clip.
    """

    strength: float = 1.0
    keep_color: bool = False

    def __call__(self, painted: Tensor, frame: Tensor) -> Tensor:
        """Finish a frame.

        Args:
            painted: 3×H×W, RGB, 0..1.
            frame: 3×H×W, the frame that was painted.

        Returns:
            3×H×W. At strength 0 it is `frame` itself, bit for bit, colours outside 0..1 included.
        """
        if self.strength == 0:
            return frame
        if self.strength == 1 and not self.keep_color:
            return painted
        out = torch.empty_like(painted)
        for top in range(0, frame.shape[-2], _ROWS):
            rows = slice(top, top + _ROWS)
            out[:, rows] = self._finish(painted[:, rows], frame[:, rows])
        return out

    def _finish(self, painted: Tensor, frame: Tensor) -> Tensor:
        if self.keep_color:
            painted = keep_color(painted, frame)
        return painted if self.strength == 1 else torch.lerp(frame, painted, self.strength)


def luminance(image: Tensor) -> Tensor:
    """Y, 1×H×W, of a picture 3×H×W, RGB."""
    return (image * image.new_tensor(LUMA).view(3, 1, 1)).sum(0, keepdim=True)


def luminance_within(image: Tensor) -> Tensor:
    """As `luminance` of the picture clamped to 0..1, without another one of its size on the way."""
    out = torch.empty_like(image[:1])
    for top in range(0, image.shape[-2], _ROWS):
        rows = slice(top, top + _ROWS)
        out[:, rows] = luminance(image[:, rows].clamp(0, 1))
    return out


def keep_color(painted: Tensor, frame: Tensor) -> Tensor:
    """The painting's luminance with the frame's colour: Y of one, Cb and Cr of the other.

    Adding the difference of the two luminances to R, G and B alike leaves Cb and Cr as they are. Where that
    would leave 0..1 the colour is drawn towards grey, so that the luminance stays the painting's.

    Args:
        painted: 3×H×W, RGB, 0..1.
        frame: 3×H×W, RGB, nominally 0..1.

    Returns:
        3×H×W, RGB, 0..1.
    """
    wanted = luminance(painted).clamp(0, 1)
    frame = frame.clamp(0, 1)
    chroma = frame - luminance(frame)
    # Largest share s of the chroma with 0 <= wanted + s * chroma <= 1 in every channel.
    room = torch.where(chroma > 0, 1 - wanted, wanted) / chroma.abs().clamp_min(1e-6)
    return wanted + chroma * room.amin(0, keepdim=True).clamp(max=1)
