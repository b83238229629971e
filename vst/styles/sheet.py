"""The contact sheet: a picture a style, its name, title and artist under it."""

from __future__ import annotations

import contextlib
import math
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageOps
from torch import Tensor

from vst.errors import MediaError, UsageError
from vst.files import check_replaceable, hidden_name
from vst.styles.lettering import drawable, font, wrap

SHEET_SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
"""Extensions of sheets, and Pillow's name of each format."""

_MARGIN, _GAP, _ROW_GAP, _AIR = 48, 28, 36, 12
_NARROWEST, _WIDEST = 256, 384
_SHAPE = 3 / 2
_PAPER, _EMPTY, _FAINT = "#faf9f7", "#ebe9e4", "#77746d"
# Size, colour and most lines of the name, the title and the artist.
_LETTERS = ((24, "#1b1a18", 1), (17, "#3f3d39", 2), (16, "#6f6c66", 1))
_LEADING = 1.35


@dataclass(frozen=True)
class Cell:
    """One style on the sheet.

    Attributes:
        name: What the user types.
        title: The painting's name.
        artist: Name of the artist.
        picture: 3×H×W, RGB, 0..1, of any size; None leaves a plain cell.
        absent: The text of a plain cell.
    """

    name: str
    title: str = ""
    artist: str = ""
    picture: Tensor | None = None
    absent: str = "no thumbnail"


@dataclass(frozen=True)
class _Line:
    text: str
    size: int
    colour: str

    @property
    def height(self) -> int:
        return round(self.size * _LEADING)


def draw_sheet(cells: Sequence[Cell]) -> Image.Image:
    """Draw cells in the order given, from left to right and from the top down.

    All pictures get one shape, that of the middle one, by cutting off at the edges what is too much.

    Args:
        cells: At least one.

    Returns:
        An RGB picture about half as wide again as it is high.
    """
    pictures = [None if cell.picture is None else _to_image(cell.picture) for cell in cells]
    width, height = _picture_size([picture for picture in pictures if picture is not None])
    captions = [_caption(cell, width) for cell in cells]
    columns = _columns(captions, width, height)
    rows = [range(first, min(first + columns, len(cells))) for first in range(0, len(cells), columns)]
    depths = [max(_depth(captions[index]) for index in row) for row in rows]

    sheet = Image.new(
        "RGB",
        (
            2 * _MARGIN + columns * (width + _GAP) - _GAP,
            2 * _MARGIN + len(rows) * (height + _ROW_GAP) - _ROW_GAP + sum(depths),
        ),
        _PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    top = _MARGIN
    for row, depth in zip(rows, depths, strict=True):
        for column, index in enumerate(row):
            left = _MARGIN + column * (width + _GAP)
            picture = pictures[index]
            if picture is None:
                draw.rectangle((left, top, left + width - 1, top + height - 1), fill=_EMPTY)
                middle = left + width / 2, top + height / 2
                draw.text(middle, drawable(cells[index].absent), _FAINT, font(16), anchor="mm")
            else:
                fitted = ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
                sheet.paste(fitted, (left, top))
            baseline = top + height + _AIR
            for line in captions[index]:
                draw.text((left, baseline), line.text, line.colour, font(line.size))
                baseline += line.height
        top += height + depth + _ROW_GAP
    return sheet


def check_sheet(path: Path, photo: Path | None, overwrite: bool) -> None:
    """Raise what would make writing a sheet fail, before any work is done.

    Args:
        path: The sheet.
        photo: The picture that is shown on it, if there is one.
        overwrite: Whether an existing file may be replaced.

    Raises:
        UsageError: if its extension is not one of `SHEET_SUFFIXES`.
        MediaError: if it exists already, is the photo, or its folder is missing or cannot be written to.
    """
    if path.suffix.lower() not in SHEET_SUFFIXES:
        raise UsageError(f"{path} is no name for a sheet: expected one that ends in .png or .jpg")
    if not path.parent.is_dir():
        raise MediaError(f"the folder {path.parent} does not exist: make it first, or choose another")
    check_replaceable(path)
    if photo is not None and path.exists() and photo.exists() and path.samefile(photo):
        raise MediaError(f"{path} is the photo itself: choose another name for the sheet")
    if path.exists() and not overwrite:
        raise MediaError(f"{path} exists already: pass -y to overwrite it, or choose another name")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise MediaError(f"the folder {path.parent} cannot be written to: choose another")


def write_sheet(path: Path, sheet: Image.Image) -> None:
    """Write a sheet in one move, in the format that its extension, one of `SHEET_SUFFIXES`, names.

    Raises:
        MediaError: where it cannot be written.
    """
    temporary = path.with_name(hidden_name(path.name, f".{os.getpid()}.part"))
    try:
        sheet.save(temporary, SHEET_SUFFIXES[path.suffix.lower()], quality=92, subsampling=0)
        os.replace(temporary, path)
    except OSError as error:
        raise MediaError(
            f"{path} could not be written ({error.strerror or error}); check the disk"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _to_image(picture: Tensor) -> Image.Image:
    pixels = (picture.detach().float().cpu().clamp(0, 1) * 255).round().to(torch.uint8)
    return Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())


def _picture_size(pictures: Sequence[Image.Image]) -> tuple[int, int]:
    """Width and height of every cell's picture: what the pictures mostly have, within reason."""
    if not pictures:
        return 320, 240
    shape = statistics.median(picture.width / picture.height for picture in pictures)
    width = statistics.median(picture.width for picture in pictures)
    width = round(min(max(width, _NARROWEST), _WIDEST))
    return width, round(width / min(max(shape, 3 / 4), 16 / 9))


def _caption(cell: Cell, width: int) -> list[_Line]:
    """The lines under a picture; a title that only repeats the name is left out."""
    texts = (cell.name, "" if cell.title == cell.name else cell.title, cell.artist)
    return [
        _Line(line, size, colour)
        for text, (size, colour, most) in zip(texts, _LETTERS, strict=True)
        for line in wrap(drawable(text), size, width, most)
    ]


def _depth(caption: Sequence[_Line]) -> int:
    return _AIR + sum(line.height for line in caption)


def _columns(captions: Sequence[Sequence[_Line]], width: int, height: int) -> int:
    """The number of columns that brings the sheet near its shape with few gaps in the last row."""
    depth = max(map(_depth, captions))

    def badness(columns: int) -> float:
        rows = math.ceil(len(captions) / columns)
        shape = columns * (width + _GAP) / (rows * (height + depth + _ROW_GAP))
        return abs(math.log(shape / _SHAPE)) + (rows * columns - len(captions)) / columns

    return min(range(1, len(captions) + 1), key=badness)
