"""The painting of a style: none ships, so the user gives its path."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from vst.errors import MediaError, UsageError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""Of pictures that styles and networks are trained on."""


def find_painting(folder: Path, style: str) -> Path:
    """The picture NAME.jpg of a style, or with another suffix.

    Raises:
        UsageError: where there is none.
    """
    for suffix in SUFFIXES:
        path = folder / f"{style}{suffix}"
        if path.is_file():
            return path
    raise UsageError(f"{folder} has no picture of {style!r}; expected {folder / style}.jpg")


def painting_of(given: str, folder: Path | None) -> Path:
    """The picture that a style's name, or the picture's own path, stands for.

    Args:
        given: What the user typed: a file, or the NAME of NAME.jpg in the folder.
        folder: With pictures of styles, if there is one.

    Raises:
        UsageError: where there is none.
    """
    if Path(given).is_file():
        return Path(given)
    if folder is None:
        raise UsageError(
            f"there is no picture {given}; the paintings of styles do not ship: give the picture itself, "
            "such as candy.jpg, or --style-images with the folder that it is in"
        )
    return find_painting(folder, given)


def decode_picture(data: bytes, name: str) -> np.ndarray:
    """H×W×3, uint8, RGB.

    Args:
        data: A file in one of the formats of `SUFFIXES`.
        name: Of that file, for the error.

    Raises:
        MediaError: if it cannot be decoded.
    """
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise MediaError(f"{name} is not a picture that can be read; take it out of the data")
    return image[..., ::-1]


def read_painting(path: Path, longer_side: int) -> Tensor:
    """3×H×W, 0..1, shrunk so that its longer side is at most `longer_side` pixels.

    Raises:
        MediaError: if it cannot be read or decoded.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MediaError(
            f"{path} cannot be read: {error.strerror}; expected a picture of a style"
        ) from None
    image = np.ascontiguousarray(decode_picture(data, str(path)))
    scale = longer_side / max(image.shape[:2])
    if scale < 1:
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return torch.from_numpy(image).permute(2, 0, 1).float() / 255
