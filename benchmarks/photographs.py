"""Photographs and style pictures, as measured: in 8 bits."""

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
        name: Of its file, within its folder.
        image: 3×H×W, RGB, 0..1, in steps of 1/255.
    """

    name: str
    image: Tensor


def read_photographs(folder: Path, count: int | None, size: int) -> list[Photograph]:
    """The photographs of a folder, by name.

    Args:
        folder: Where they are.
        count: So many of them, evenly spread; None for all.
        size: Their shorter side, pixels; larger ones are shrunk, smaller ones stay as they are.

    Raises:
        MediaError: for a folder without pictures, or one that cannot be read.
    """
    pictures = find_pictures([str(folder)])
    return [_shrunk(pictures[i], size) for i in spread(len(pictures), count or len(pictures))]


def read_photograph(path: Path, size: int) -> Photograph:
    """One photograph, with its shorter side shrunk to ``size`` pixels if it is larger.

    Raises:
        MediaError: where it cannot be read.
        UsageError: where there is no such file.
    """
    if not path.is_file():
        raise UsageError(f"there is no picture {path}; give a file")
    return _shrunk(PictureFile(path.name, path), size)


def _shrunk(picture: PictureFile, size: int) -> Photograph:
    image = np.ascontiguousarray(picture.load())
    scale = size / min(image.shape[:2])
    if scale < 1:
        target = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        image = cv2.resize(image, target, interpolation=cv2.INTER_AREA)
    return Photograph(picture.name, torch.from_numpy(image).permute(2, 0, 1).float() / 255)


def spread(whole: int, count: int) -> list[int]:
    """``count`` numbers below ``whole``, evenly spread from 0; all of them if there are no more.

    >>> spread(16, 4)
    [0, 4, 8, 12]
    """
    return [i * whole // count for i in range(count)] if count < whole else list(range(whole))


def longer_side(path: Path) -> int:
    """Of a picture, pixels."""
    return max(PictureFile(path.name, path).load().shape[:2])
