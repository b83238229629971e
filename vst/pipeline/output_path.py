"""The default name of an output."""

from __future__ import annotations

import os
from pathlib import Path

from vst.errors import UsageError
from vst.files import check_name_length
from vst.media import CONTAINERS
from vst.media.file_errors import check_readable
from vst.media.stills.samples import is_still
from vst.media.stills.sequence import PICTURE_SUFFIXES, has_counter, is_pattern
from vst.media.stills.write import STILL_SUFFIXES
from vst.pipeline.settings import RenderSettings
from vst.stream_paths import is_stream


def written_suffix(path: Path) -> str:
    """The suffix of the output of a file: its own, or .mkv (.png for pictures) if that cannot be
    written."""
    suffix = path.suffix.lower()
    if suffix == ".avif" and os.path.exists(path) and not is_still(path):
        # An animated one, of which pictures are written only.
        return ".mkv"
    if suffix in STILL_SUFFIXES or suffix.removeprefix(".") in CONTAINERS:
        return path.suffix
    return ".png" if suffix in PICTURE_SUFFIXES or (path.is_file() and is_still(path)) else ".mkv"


def output_path(source: Path, settings: RenderSettings, output: Path | None = None) -> Path:
    """The path of the output: the one given, or `clip.candy.mov` beside `clip.mov`.

    If `output` is a folder, the default name is used inside it. An image sequence `shots/%04d.png` becomes
    `shots/candy/%04d.png`, so that no pattern matches both.

    Raises:
        UsageError: The style cannot be parsed; or there is no default name, because a stream or a glob has
            none, or because it would be too long.
    """
    label = settings.styles.label
    if not source.name:  # "." and "/" are folders and have no name
        check_readable(source)
    if output is not None and not os.path.isdir(output):
        return output
    if is_stream(source):
        raise UsageError(f"no output for {source}: give one with -o, such as out.mkv")
    if is_pattern(source):
        if not has_counter(source):
            raise UsageError(
                f"no output for {source.name}: give one with -o, such as out/%04d{source.suffix}"
            )
        name = source.with_suffix(written_suffix(source)).name
        return (source.parent / label if output is None else output) / name
    name = f"{source.stem}.{label}{written_suffix(source)}"
    check_name_length(name)
    return source.with_name(name) if output is None else output / name
