"""What an output is called when nobody says so."""

from __future__ import annotations

from pathlib import Path

from vst.render.settings import RenderSettings
from vst.styles.blend import parse_blend


def output_path(source: Path, settings: RenderSettings, output: Path | None = None) -> Path:
    """The output's path: the one given, or `clip.candy.mov` beside `clip.mov`.

    A folder given as output gets that name inside it.

    Raises:
        UsageError: where the style cannot be read.
    """
    name = f"{source.stem}.{parse_blend(settings.style).label}{source.suffix}"
    if output is None:
        return source.with_name(name)
    return output / name if output.is_dir() else output
