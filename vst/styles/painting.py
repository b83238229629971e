"""The painting of a style: none ships, so the user gives its path."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from vst.errors import MediaError, UsageError
from vst.styles.picture import SMALLEST, decode_mask, decode_painting
from vst.styles.suffixes import SUFFIXES

_GRID = 256
"""Cells a side of the grid on which the opaque part of a painting is searched for."""


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


class Painting(NamedTuple):
    """The picture of a style as it is learned.

    Attributes:
        image: 3×H×W, 0..1.
        notes: What of the file is not learned, and what else the user should know; one line each.
        mask: 1×H×W, 0..1, where it is learned; None: everywhere.
    """

    image: Tensor
    notes: tuple[str, ...]
    mask: Tensor | None = None


def open_painting(
    path: Path, longer_side: int, *, small_is_noted: bool = True, mask: Path | None = None
) -> Painting:
    """The painting of a style, shrunk so that its longer side is at most `longer_side` pixels.

    Of one with transparent parts, only the largest rectangle without them is learned.

    Args:
        path: The file.
        longer_side: In pixels.
        small_is_noted: Whether a painting that is far smaller than that has a note.
        mask: A picture of any size that is white where the painting is learned; None: everywhere.

    Raises:
        MediaError: if it or its mask cannot be read or decoded, or has too little to learn.
    """
    picture = decode_painting(_read(path, "a picture of a style"), str(path))
    pixels, notes = picture.pixels, []
    shown = None if mask is None else _mask_of(path, pixels, mask)
    if picture.frames > 1:
        notes.append(f"{path} has {picture.frames} frames or pages: the first is learned")
    if picture.opaque is not None:
        left, top, width, height = opaque_rectangle(picture.opaque)
        if min(width, height) < SMALLEST:
            raise MediaError(
                f"{path} has no part of {SMALLEST}×{SMALLEST} pixels without transparency: put it on a "
                "background, or crop it"
            )
        pixels = pixels[top : top + height, left : left + width]
        shown = None if shown is None else shown[top : top + height, left : left + width]
        notes.append(
            f"{path} is transparent in parts: only {width}×{height} pixels at {left}, {top}, the largest "
            "rectangle without transparency, are learned"
        )
    height, width = pixels.shape[:2]
    scale = min(1.0, longer_side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if min(size) < SMALLEST:
        raise MediaError(
            f"{path} is too small: {width}×{height} pixels, {size[0]}×{size[1]} at a style size of "
            f"{longer_side}; a style needs {SMALLEST} or more on the shorter side: give a larger picture, "
            "or crop it"
        )
    if small_is_noted and 2 * max(size) < longer_side:
        notes.append(
            f"{path} has {width}×{height} pixels, less than half the style size of {longer_side}: its "
            "strokes are learned at its own size"
        )
    image = np.ascontiguousarray(pixels)
    if scale < 1:
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    learned = None
    if shown is not None:
        shown = cv2.resize(np.ascontiguousarray(shown), size, interpolation=cv2.INTER_AREA)
        if shown.sum() < SMALLEST**2:
            raise MediaError(
                f"the mask {mask} leaves {shown.sum():.0f} pixels of {path} at {size[0]}×{size[1]}; "
                f"expected {SMALLEST**2} or more that are white"
            )
        learned = torch.from_numpy(shown)[None]
    return Painting(torch.from_numpy(image).permute(2, 0, 1).float() / 255, tuple(notes), learned)


def _read(path: Path, what: str) -> bytes:
    if path.exists() and not path.is_file():
        raise MediaError(f"{path} is not a file; expected {what}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}; expected {what}") from None


def _mask_of(painting: Path, pixels: np.ndarray, mask: Path) -> np.ndarray:
    """H×W float32, 0..1: a mask at the size of the whole painting, H×W×3."""
    shown = decode_mask(_read(mask, f"the mask of {painting}"), str(mask))
    height, width = pixels.shape[:2]
    smaller = shown.shape[0] < height or shown.shape[1] < width
    return cv2.resize(shown, (width, height), interpolation=cv2.INTER_LINEAR if smaller else cv2.INTER_AREA)


def read_painting(path: Path, longer_side: int) -> Tensor:
    """The image of `open_painting`: 3×H×W, 0..1."""
    return open_painting(path, longer_side).image


def opaque_rectangle(opaque: np.ndarray) -> tuple[int, int, int, int]:
    """The largest rectangle that is opaque all over.

    It is searched for on a grid of at most 256 cells a side, so it may lack a cell at each side.

    Args:
        opaque: H×W, bool.

    Returns:
        Left, top, width and height in pixels; all 0 if there is none.
    """
    cell = -(-max(opaque.shape) // _GRID)
    rows, columns = opaque.shape[0] // cell, opaque.shape[1] // cell
    cells: np.ndarray = np.all(
        opaque[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell), axis=(1, 3)
    )
    best, found = 0, (0, 0, 0, 0)
    heights = np.zeros(columns, int)
    for row in range(rows):
        # For each column, how many opaque cells end at this row; then the largest rectangle below them.
        heights = np.where(cells[row], heights + 1, 0)
        stack: list[tuple[int, int]] = []
        for column, height in enumerate([*heights.tolist(), 0]):
            first = column
            while stack and stack[-1][1] >= height:
                first, tall = stack.pop()
                if tall * (column - first) > best:
                    best = tall * (column - first)
                    found = (first, row + 1 - tall, column - first, tall)
            stack.append((first, height))
    left, top, width, height = (cell * each for each in found)
    return left, top, width, height
