"""Checks whether an output can be written, before any work is done."""

from __future__ import annotations

import os
from pathlib import Path

from vst.errors import MediaError, UsageError
from vst.files import check_name_length, check_replaceable
from vst.media.encode.containers import container_of
from vst.media.probe.clip_info import ClipInfo
from vst.media.stills.sequence import files_like, numbered
from vst.media.stills.write import STILL_SUFFIXES
from vst.stream_paths import is_output_stream, is_stream


def check_output(path: Path, source: ClipInfo | None, is_sequence: bool, overwrite: bool) -> None:
    """Check that an output can be written.

    Args:
        path: The file, or the pattern of an image sequence.
        source: The clip; None for none that could be overwritten.
        is_sequence: Whether it is such a pattern (`is_output_pattern`).
        overwrite: Whether an existing output may be replaced.

    Raises:
        MediaError: If it exists already, is the input, or its folder is missing or not writable.
        UsageError: If its extension is unknown, its name is too long, or does not have exactly one counter.
    """
    if is_output_stream(path):
        if source is not None and is_stream(source.path) and os.path.samefile(path, source.path):
            raise MediaError(f"{path} is the input itself: choose another output with -o")
        return
    if is_sequence:
        _check_pattern(path, source, overwrite)
        return
    if path.suffix.lower() not in STILL_SUFFIXES:
        try:
            container_of(path)
        except UsageError as error:
            stills = ", ".join(STILL_SUFFIXES)
            raise UsageError(f"{error} (or, for a single picture, {stills})") from None
    if not path.parent.is_dir():
        raise MediaError(
            f"the folder {path.parent} does not exist: make it first, or choose another with -o"
        )
    check_replaceable(path)
    check_name_length(path.name)
    inputs = [] if source is None else source.sequence.files if source.sequence else [source.path]
    if path.exists() and any(each.exists() and path.samefile(each) for each in inputs):
        raise MediaError(f"{path} is the input itself: choose another output with -o")
    if path.exists() and not overwrite:
        raise MediaError(f"{path} exists already: pass -y to overwrite it, or choose another name")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise MediaError(f"the folder {path.parent} cannot be written to: choose another with -o")


def _check_pattern(pattern: Path, source: ClipInfo | None, overwrite: bool) -> None:
    """`check_output` for the pattern of an image sequence; the folder itself may be missing."""
    if pattern.suffix.lower() not in STILL_SUFFIXES:
        known = ", ".join(STILL_SUFFIXES)
        raise UsageError(
            f"{pattern.name} does not have the extension of a picture format: use one of {known}"
        )
    numbered(pattern, 1)
    folder = pattern.parent
    if not folder.is_dir():
        if not folder.parent.is_dir():
            raise MediaError(
                f"the folder {folder} does not exist: make it first, or choose another with -o"
            )
        folder = folder.parent
    elif existing := files_like(pattern):
        if source is not None and source.sequence is not None:
            inputs = {file.resolve() for file in source.sequence.files}
            if any(path.resolve() in inputs for _, path in existing):
                raise MediaError(f"{pattern} is the input itself: choose another output with -o")
        if not overwrite:
            raise MediaError(
                f"{existing[0][1]} exists already: pass -y to overwrite it, or choose another name"
            )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise MediaError(f"the folder {folder} cannot be written to: choose another with -o")
