"""Contact sheets: rows of pictures, each with a label above it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from vst.errors import UsageError
from vst.styles.lettering import drawable, font

_LETTERS, _LINE = 17, 26
"""Height of the letters and of a line of text, in pixels."""

_GAP = 6
"""Distance between two pictures, in pixels."""


@dataclass(frozen=True)
class Cell:
    """A picture on a sheet.

    Attributes:
        label: The text above it.
        picture: H×W×3, 8 bits.
    """

    label: str
    picture: np.ndarray


def cell(label: str, image: Tensor, side: int) -> Cell:
    """Make a cell of a picture 3×H×W, 0..1, scaled down to a longer side of at most ``side`` pixels."""
    picture = (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    scale = side / max(picture.shape[:2])
    if scale < 1:
        size = (max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return Cell(label, picture)


def write_sheet(rows: Sequence[Sequence[Cell]], path: Path) -> None:
    """Write a sheet to a file.

    Raises:
        UsageError: The suffix is not that of a picture format, or the file cannot be written.
    """
    width = max(sum(_width(each) for each in row) for row in rows)
    sheet = Image.new("RGB", (width, sum(_height(row) for row in rows)), "white")
    draw = ImageDraw.Draw(sheet)
    top = 0
    for row in rows:
        left = 0
        for each in row:
            draw.text((left + 4, top + 3), drawable(each.label), fill="black", font=font(_LETTERS))
            sheet.paste(Image.fromarray(each.picture), (left, top + _LINE))
            left += _width(each)
        top += _height(row)
    try:
        sheet.save(path)
    except (OSError, ValueError) as error:  # ValueError: an unknown suffix
        raise UsageError(f"the sheet {path} cannot be written ({error}); give a .png or .jpg") from error


def _width(each: Cell) -> int:
    text = math.ceil(font(_LETTERS).getlength(drawable(each.label))) + 8
    return max(each.picture.shape[1], text) + _GAP


def _height(row: Sequence[Cell]) -> int:
    return max(each.picture.shape[0] for each in row) + _LINE + _GAP
