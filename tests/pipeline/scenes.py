"""A clip of three shots."""

from __future__ import annotations

import cv2
import numpy as np

CUTS = (0, 11, 20)
"""Indices of the first frames of the shots."""


def scenes(frames: int = 26) -> list[np.ndarray]:
    """Frames H×W×3 in 8 bits: a smooth texture that moves, and another one from each frame of `CUTS` on."""
    pictures = []
    for n in range(frames):
        number = sum(n >= cut for cut in CUTS) - 1
        coarse = np.random.default_rng(number).random((12, 40)).astype(np.float32)
        texture = cv2.resize(coarse, (160, 48), interpolation=cv2.INTER_CUBIC).clip(0, 1)[..., None]
        colour = np.array([(230, 60, 20), (10, 90, 200), (40, 220, 60)][number])
        k = 2 * (n - CUTS[number])
        pictures.append(((texture[:, k : k + 64] * 0.7 + 0.3) * colour).round().astype(np.uint8))
    return pictures
