"""Photographs for benchmarks, in 8 bits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from vst.errors import UsageError
from vst.train.picture_files import PictureFile, find_pictures


@dataclass(frozen=True)
class Photograph:
    """A photograph.

    Attributes:
        name: Of the file, relative to its folder.
        image: 3×H×W, RGB, 0..1, in steps of 1/255.
    """

    name: str
    image: Tensor


def read_photographs(folder: Path, count: int | None, size: int) -> list[Photograph]:
    """Read the photographs of a folder, sorted by name.

    Args:
        folder: The folder.
        count: Number of photographs, evenly spread; None reads all.
        size: Shorter side in pixels; larger photographs are scaled down, smaller ones are not scaled.

    Raises:
        MediaError: The folder has no pictures, or one that cannot be read.
    """
    pictures = find_pictures([str(folder)])
    return [scaled_down(pictures[i], size) for i in spread(len(pictures), count or len(pictures))]


def read_photograph(path: Path, size: int) -> Photograph:
    """Read one photograph, and scale its shorter side down to ``size`` pixels if it is larger.

    Raises:
        MediaError: The file cannot be read.
        UsageError: The file does not exist.
    """
    if not path.is_file():
        raise UsageError(f"{path} does not exist; give a picture file")
    return scaled_down(PictureFile(path.name, path), size)


def scaled_down(picture: PictureFile, size: int) -> Photograph:
    """Read a picture, and scale its shorter side down to ``size`` pixels if it is larger."""
    image = np.ascontiguousarray(picture.load())
    scale = size / min(image.shape[:2])
    if scale < 1:
        target = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        image = cv2.resize(image, target, interpolation=cv2.INTER_AREA)
    return Photograph(picture.name, torch.from_numpy(image).permute(2, 0, 1).float() / 255)


def spread(whole: int, count: int) -> list[int]:
    """Up to ``count`` integers below ``whole``, evenly spread from 0.

    >>> spread(16, 4)
    [0, 4, 8, 12]
    """
    return [i * whole // count for i in range(count)] if count < whole else list(range(whole))


def longer_side(path: Path) -> int:
    """The longer side of a picture in pixels."""
    return max(PictureFile(path.name, path).load().shape[:2])
