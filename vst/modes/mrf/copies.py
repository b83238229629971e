"""Turned and scaled copies of a painting: more patches to choose from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

ANGLE = 15.0
"""Degrees from one turned copy to the next."""

FACTOR = 1.2
"""From the size of one copy to the next."""


class Copy(NamedTuple):
    """A copy of a painting.

    Attributes:
        image: 3×H×W, 0..1; the painting is mirrored where it ends.
        inside: 1×1×H×W, 0..1: where the painting itself is, and its mask if it has one; None: everywhere.
    """

    image: Tensor
    inside: Tensor | None


def copies(painting: Tensor, rotations: int, scales: int, mask: Tensor | None = None) -> Iterator[Copy]:
    """A painting, 3×H×W, itself first, and its copies.

    Args:
        painting: 3×H×W, 0..1.
        rotations: Turned copies to either side, `ANGLE` apart.
        scales: Larger copies, by `FACTOR` each, and as many smaller ones.
        mask: 1×H×W, 0..1, where the painting counts; None: everywhere.
    """
    pixels = painting.permute(1, 2, 0).contiguous().numpy()
    counts = None if mask is None else mask[0].numpy()
    for scale in sorted(range(-scales, scales + 1), key=abs):
        resized = _resized(pixels, FACTOR**scale)
        counted = None if counts is None else _resized(counts, FACTOR**scale)
        for turn in sorted(range(-rotations, rotations + 1), key=abs):
            yield _turned(resized, counted, ANGLE * turn)


def _resized(pixels: np.ndarray, factor: float) -> np.ndarray:
    if factor == 1:
        return pixels
    height, width = pixels.shape[:2]
    size = max(round(width * factor), 16), max(round(height * factor), 16)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)


def _turned(pixels: np.ndarray, counted: np.ndarray | None, degrees: float) -> Copy:
    if degrees == 0:
        return Copy(_tensor(pixels), None if counted is None else _inside(counted))
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    turned = cv2.warpAffine(
        pixels, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    whole = np.ones((height, width), np.float32) if counted is None else counted
    inside = cv2.warpAffine(whole, turn, (width, height))
    return Copy(_tensor(turned), _inside(inside))


def _inside(counted: np.ndarray) -> Tensor:
    return torch.from_numpy(counted).clamp(0, 1)[None, None]


def _tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1).clamp(0, 1)
