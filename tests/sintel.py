"""A tiny data set in the layout of MPI Sintel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from vst.motion import write_flo

WIDTH, HEIGHT, FRAMES = 64, 48, 8
OCCLUDED_ROWS = 10
"""Rows at the top that the occlusion masks mark."""


def texture(frames: int = FRAMES, cut: int | None = None, width: int = WIDTH) -> list[np.ndarray]:
    """A texture that moves one pixel to the left per frame, H×W×3; another one from the cut on."""
    height = width * HEIGHT // WIDTH
    textures = [
        cv2.resize(np.random.default_rng(n + 1).random((12, 20, 3)), (width + frames, height)).clip(0, 1)
        for n in range(2)
    ]
    made = []
    for t in range(frames):
        chosen = textures[cut is not None and t >= cut]
        made.append((255 * (0.2 + 0.6 * chosen[:, t : t + width])).round().astype(np.uint8))
    return made


def make_sintel(folder: Path, scenes: Sequence[str] = ("alley_9", "cave_9"), frames: int = 5) -> Path:
    """Write scenes of a texture that moves one pixel to the left, with their exact flow and occlusion."""
    for name in scenes:
        for kind in ("clean", "flow", "occlusions"):
            (folder / kind / name).mkdir(parents=True)
        for number, picture in enumerate(texture(frames), 1):
            Image.fromarray(picture).save(folder / f"clean/{name}/frame_{number:04}.png")
        for number in range(1, frames):
            truth = torch.zeros(2, HEIGHT, WIDTH)
            truth[0] = -1
            write_flo(str(folder / f"flow/{name}/frame_{number:04}.flo"), truth)
            occluded = np.zeros((HEIGHT, WIDTH), np.uint8)
            occluded[:OCCLUDED_ROWS] = 255
            Image.fromarray(occluded).save(folder / f"occlusions/{name}/frame_{number:04}.png")
    return folder
