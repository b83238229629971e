"""The painting that a style was learned from: no such picture ships, so the user says where it is."""

from __future__ import annotations

from pathlib import Path

from vst.errors import UsageError
from vst.train.pictures import SUFFIXES


def find_style_picture(folder: Path, style: str) -> Path:
    """The picture NAME.jpg of a style, or with another suffix.

    Raises:
        UsageError: where there is none.
    """
    for suffix in SUFFIXES:
        path = folder / f"{style}{suffix}"
        if path.is_file():
            return path
    raise UsageError(f"{folder} has no picture of {style!r}; expected {folder / style}.jpg")


def style_picture(given: str, folder: Path | None) -> Path:
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
    return find_style_picture(folder, given)
