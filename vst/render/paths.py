"""What an output is called when nobody says so."""

from __future__ import annotations

from pathlib import Path

from vst.media import CONTAINERS
from vst.media.stills import STILL_SUFFIXES
from vst.render.settings import RenderSettings
from vst.styles.blend import parse_blend

PICTURE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def written_suffix(path: Path) -> str:
    """The extension of a file's output: its own, or .mkv (pictures .png) where that cannot be written."""
    suffix = path.suffix.lower()
    if suffix in STILL_SUFFIXES or suffix.removeprefix(".") in CONTAINERS:
        return path.suffix
    return ".png" if suffix in PICTURE_SUFFIXES else ".mkv"


def output_path(source: Path, settings: RenderSettings, output: Path | None = None) -> Path:
    """The output's path: the one given, or `clip.candy.mov` beside `clip.mov`.

    A folder given as output gets that name inside it.

    Raises:
        UsageError: where the style cannot be read.
    """
    name = f"{source.stem}.{parse_blend(settings.style).label}{written_suffix(source)}"
    if output is None:
        return source.with_name(name)
    return output / name if output.is_dir() else output
