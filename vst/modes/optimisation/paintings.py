"""The paintings of a style, at the size that strokes are to have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from vst.losses.guidance import with_masks
from vst.styles.painting import open_painting

STYLE_SIDE, FRAME_SIDE, NATIVE = 512, 480, 1.25
"""Longer side of the painting in pixels for frames with a short side of 480, at a style scale of 1: what
the networks learn from. Frames up to 1.25 times that have the same, if no style scale is given."""

_LARGEST_SIDE = 8192
"""Longer side in pixels of what is kept of a painting."""

_MOST_ENLARGED = 2.0
"""An enlarged painting has no finer strokes, only softer ones."""


class Paintings:
    """Opened paintings with the share of each.

    Args:
        paths: Their files.
        shares: Of each; they sum to 1.
        masks: For each a picture that is white where it counts; None: everywhere.

    Raises:
        MediaError: A painting or mask cannot be read, or is too small.

    Attributes:
        shares: As given.
        notes: What the user should know of the files, one line each.
    """

    def __init__(
        self, paths: Sequence[Path], shares: Sequence[float], masks: Sequence[Path | None] = ()
    ) -> None:
        opened = [
            open_painting(path, _LARGEST_SIDE, small_is_noted=False, mask=mask)
            for path, mask in with_masks(paths, masks)
        ]
        self._masks = [None if each.mask is None else each.mask[0].numpy() for each in opened]
        self._pixels = [(each.image * 255).round().byte().permute(1, 2, 0).numpy() for each in opened]
        self.shares = tuple(shares)
        self.notes = tuple(note for each in opened for note in each.notes)

    @property
    def longest(self) -> int:
        """Longest side of all, in pixels."""
        return max(max(each.shape[:2]) for each in self._pixels)

    def at(self, longer_side: int) -> list[Tensor]:
        """Each painting with this longer side in pixels, 3×H×W, 0..1; small ones less than that."""
        return [_resized(each, longer_side) for each in self._pixels]

    @property
    def are_masked(self) -> bool:
        """Whether one has a mask."""
        return any(each is not None for each in self._masks)

    def masks_at(self, longer_side: int) -> list[Tensor | None]:
        """The mask of each painting from `at`, 1×H×W, 0..1; None: all of it counts."""
        found: list[Tensor | None] = []
        for mask, pixels in zip(self._masks, self._pixels, strict=True):
            if mask is None:
                found.append(None)
                continue
            size, factor = _size_at(pixels, longer_side)
            how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
            found.append(torch.from_numpy(cv2.resize(mask, size, interpolation=how))[None])
        return found


def painting_side(width: int, height: int, style_scale: float | None) -> int:
    """Longer side of the paintings for a frame.

    Args:
        width: Of the frame, in pixels.
        height: Of the frame, in pixels.
        style_scale: As in `RenderSettings`.
    """
    short = min(width, height)
    if style_scale is None and short <= NATIVE * FRAME_SIDE:
        return STYLE_SIDE
    return round(STYLE_SIDE * (short / FRAME_SIDE) * (style_scale or 1.0))


def _resized(pixels: np.ndarray, longer_side: int) -> Tensor:
    size, factor = _size_at(pixels, longer_side)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(np.ascontiguousarray(pixels), size, interpolation=how)
    return torch.from_numpy(resized).permute(2, 0, 1).float() / 255


def _size_at(pixels: np.ndarray, longer_side: int) -> tuple[tuple[int, int], float]:
    """Width and height of a painting with a longer side, and the factor to them."""
    height, width = pixels.shape[:2]
    factor = min(longer_side / max(height, width), _MOST_ENLARGED)
    return (max(round(width * factor), 16), max(round(height * factor), 16)), factor
