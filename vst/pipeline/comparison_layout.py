"""Draws several pictures of one scene as one: side by side, split, or their difference, with labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

from vst.postprocess.upsample import resize
from vst.styles.lettering import drawable, font, wrap

SWEEP_SECONDS = 6.0
"""Seconds in which a moving divider goes to the right, to the left, and back to the middle."""

_SWEEP = 0.45
"""The largest distance of the divider from the middle, as a part of the width."""

_BACKING = 0.55
"""By how much the picture is darkened behind a label, 0..1."""


class ComparisonLayout(Protocol):
    """Draws pictures of one size as one picture."""

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the output for pictures of this size."""
        ...

    def draw(self, pictures: Sequence[Tensor], time: Fraction) -> Tensor:
        """Draw the output at a time.

        Args:
            pictures: 3×H×W each, RGB, 0..1.
            time: In seconds from the first frame.
        """
        ...


@dataclass(frozen=True)
class SideBySide:
    """All pictures whole: two or three in a row, four in two rows."""

    labels: Sequence[str]
    """One a picture; empty ones are not drawn."""

    def size(self, width: int, height: int) -> tuple[int, int]:
        """See `ComparisonLayout.size`."""
        columns = self._columns()
        return width * columns, height * math.ceil(len(self.labels) / columns)

    def draw(self, pictures: Sequence[Tensor], time: Fraction) -> Tensor:
        """See `ComparisonLayout.draw`."""
        columns = self._columns()
        cells = [draw_label(p, text) for p, text in zip(pictures, self.labels, strict=True)]
        rows = [torch.cat(cells[i : i + columns], dim=2) for i in range(0, len(cells), columns)]
        return torch.cat(rows, dim=1)

    def _columns(self) -> int:
        return 2 if len(self.labels) == 4 else len(self.labels)


@dataclass(frozen=True)
class Split:
    """The first picture left of a divider, the second right of it."""

    labels: Sequence[str]
    """One a picture; each is cut off where its picture is."""

    at: float | None = 0.5
    """Position of the divider, as a part of the width; None moves it back and forth."""

    def size(self, width: int, height: int) -> tuple[int, int]:
        """See `ComparisonLayout.size`."""
        return width, height

    def draw(self, pictures: Sequence[Tensor], time: Fraction) -> Tensor:
        """See `ComparisonLayout.draw`."""
        at = self.at
        if at is None:
            at = 0.5 + _SWEEP * math.sin(2 * math.pi * float(time) / SWEEP_SECONDS)
        left, right = pictures
        width = left.shape[-1]
        column = round(at * width)
        out = draw_label(right, self.labels[1], right=True)
        out[..., :column] = draw_label(left, self.labels[0])[..., :column]
        if 0 < column < width:
            # White between black, which is visible on any picture.
            half = max(1, width // 800)
            out[..., max(column - 2 * half, 0) : column + 2 * half] = 0
            out[..., max(column - half, 0) : column + half] = 1
        return out


@dataclass(frozen=True)
class Difference:
    """The absolute difference of two pictures, channel by channel: black where they are equal."""

    label: str

    gain: float = 4.0
    """The factor that the difference is multiplied by."""

    def size(self, width: int, height: int) -> tuple[int, int]:
        """See `ComparisonLayout.size`."""
        return width, height

    def draw(self, pictures: Sequence[Tensor], time: Fraction) -> Tensor:
        """See `ComparisonLayout.draw`."""
        first, second = pictures
        return draw_label((self.gain * (first - second).abs()).clamp(0, 1), self.label)


def fit(image: Tensor, width: int, height: int, stretch: float = 1.0) -> Tensor:
    """Scale a picture into a frame of another size, its aspect kept; the rest is black.

    Args:
        image: 3×h×w, RGB, nominally 0..1.
        width: Of the frame, pixels.
        height: Of the frame, pixels.
        stretch: Width of a pixel of the picture, relative to that of a pixel of the frame.

    Returns:
        3×H×W, 0..1.
    """
    wide, high = image.shape[-1] * stretch, image.shape[-2]
    factor = min(width / wide, height / high)
    inner = (min(height, max(1, round(high * factor))), min(width, max(1, round(wide * factor))))
    # Aspects that differ only by rounding must not leave a black row or column.
    inner = (height if height - inner[0] < 2 else inner[0], width if width - inner[1] < 2 else inner[1])
    if image.shape[-2:] != inner:
        image = resize(image, inner)
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    return F.pad(image.clamp(0, 1), (left, width - inner[1] - left, top, height - inner[0] - top))


def draw_label(image: Tensor, text: str, right: bool = False) -> Tensor:
    """Draw a line of text into the upper left or right corner of a copy of the picture.

    Args:
        image: 3×H×W, RGB, 0..1.
        text: Cut with an ellipsis where it does not fit.
        right: Use the right corner.
    """
    out = image.clone()
    height, width = image.shape[-2:]
    size = max(12, min(height, width) // 24)
    margin = size // 2
    lines = wrap(drawable(text), size, width - 4 * margin, 1)
    if not lines or height < 2 * size:
        return out
    stamp = _stamp(lines[0], size)[:, :height, :width]
    rows, columns = stamp.shape[-2:]
    first = max(width - columns - margin, 0) if right else min(margin, width - columns)
    place = out[:, margin : margin + rows, first : first + columns]
    stamp = stamp[:, : place.shape[-2]]
    place.mul_(1 - _BACKING).add_(stamp * (1 - place))
    return out


def _stamp(text: str, size: int) -> Tensor:
    """Coverage of the letters, 1×h×w, 0..1, with a margin."""
    letters = font(size)
    left, _, right, _ = letters.getbbox(text)
    ascent, descent = letters.getmetrics()
    margin = size // 3
    canvas = Image.new("L", (round(right - left) + 2 * margin, ascent + descent + margin))
    ImageDraw.Draw(canvas).text((margin - left, margin // 2), text, 255, letters)
    return torch.from_numpy(np.array(canvas))[None].float() / 255
