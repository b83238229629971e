"""Camera moves over photographs: video with exact motion, from any picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

_MARGIN = 0.72
"""Share of the photograph's short side that a view of zoom 1 takes, so that it can move."""

_LONGEST_ZOOM = 30
"""Frames over which a camera may zoom at full speed; over more it zooms as far, and slower."""


@dataclass(frozen=True)
class CameraMove:
    """A move: frames T×S×S×3 uint8; flow T−1×2×S×S to the frame before; mask T−1×1×S×S."""

    frames: np.ndarray
    flow: np.ndarray
    mask: np.ndarray


def camera_move(photo: np.ndarray, times: Sequence[int], size: int, rng: np.random.Generator) -> CameraMove:
    """Pan, zoom and turn smoothly over a photograph; one in five moves stands still.

    Args:
        photo: H×W×3, uint8.
        times: Numbers of the T frames that are wanted, rising, from 0.
        size: Side S of the square frames.
        rng: All that is random.
    """
    height, width = photo.shape[:2]
    scale = min(height, width) * _MARGIN / size * rng.uniform(0.75, 1.0)
    moving = 0.0 if rng.random() < 0.2 else rng.uniform(0.2, 1.0)
    speed = rng.uniform(-6, 6, 2) * moving * scale
    zoom, turn = rng.uniform(-0.02, 0.02) * moving, rng.uniform(-0.02, 0.02) * moving
    zoom *= min(1.0, _LONGEST_ZOOM / max(times[-1], 1))
    reach = np.maximum((np.array([width, height]) - size * scale * 1.1) / 2, 0)
    centre = np.array([width, height]) / 2 + rng.uniform(-1, 1, 2) * reach
    views = []
    for t in times:
        # A triangle wave keeps the view on the photograph however long the move is.
        away = centre + speed * t - np.array([width, height]) / 2
        folded = np.where(
            reach > 0, np.abs((away + reach) % np.maximum(4 * reach, 1e-6) - 2 * reach) - reach, 0.0
        )
        factor, angle = scale * (1 + zoom) ** t, turn * t
        a, b = factor * np.cos(angle), factor * np.sin(angle)
        place = np.array([width, height]) / 2 + folded
        offset = place - np.array([[a, -b], [b, a]]) @ (np.array([size, size]) / 2 - 0.5)
        views.append(np.array([[a, -b, offset[0]], [b, a, offset[1]], [0, 0, 1]]))
    shrunk = cv2.GaussianBlur(photo, (0, 0), 0.5 * scale) if scale > 1.2 else photo
    shot = [
        cv2.warpAffine(
            shrunk,
            view[:2],
            (size, size),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT,
        )
        for view in views
    ]
    y, x = np.mgrid[:size, :size].astype(np.float64)
    points = np.stack((x, y, np.ones_like(x))).reshape(3, -1)
    flows, masks = [], []
    for earlier, current in pairwise(views):
        there = (np.linalg.inv(earlier) @ current @ points)[:2].reshape(2, size, size)
        flows.append(there - points[:2].reshape(2, size, size))
        masks.append(((there >= 0) & (there <= size - 1)).all(0, keepdims=True))
    return CameraMove(
        np.stack(shot), np.stack(flows).astype(np.float32), np.stack(masks).astype(np.float32)
    )
