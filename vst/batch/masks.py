"""Masks in the folder of a batch: they belong to clips, and are not rendered themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from vst.batch.batch_file import BatchFile
from vst.batch.find import FoundFiles
from vst.batch.left_out import LeftOut, Reason
from vst.batch.sidecar import own_settings, with_sidecar
from vst.errors import UsageError, VstError
from vst.media.stills.sequence import files_like, is_pattern
from vst.pipeline import RenderSettings


def leave_out_masks(found: FoundFiles, settings: RenderSettings) -> FoundFiles:
    """The files of a batch without those that others have as masks.

    Args:
        found: The files.
        settings: Those of the batch; a sidecar adds the masks of its file. One that is invalid adds none.
    """
    masks = {mask for file in found.files for mask in _masks_of(file, settings)}
    if not masks:
        return found
    kept = tuple(file for file in found.files if os.path.realpath(file.source) not in masks)
    names = (file.name for file in found.files if file not in kept)
    left_out = (*found.left_out, *(LeftOut(name, Reason.MASK) for name in names))
    return replace(found, files=kept, left_out=left_out)


def _masks_of(file: BatchFile, settings: RenderSettings) -> Iterator[str]:
    """The real paths of a file's masks, but for the file itself."""
    try:
        own = own_settings(with_sidecar(file, settings), settings)
    except UsageError:
        return
    source = os.path.realpath(file.source)
    for mask in () if own.layers is None else own.layers.masks:
        if not mask.is_clip_alpha:
            yield from (path for path in map(os.path.realpath, _files(Path(mask.file))) if path != source)


def _files(mask: Path) -> list[Path]:
    try:
        return [path for _, path in files_like(mask)] if is_pattern(mask) else [mask]
    except VstError:  # the render of its clip says what is wrong with it
        return []
