"""Masks and paintings in the folder of a batch: they belong to renders, and are not rendered themselves."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from vst.batch.find import FoundFiles
from vst.batch.left_out import LeftOut, Reason
from vst.batch.sidecar import own_settings
from vst.errors import VstError
from vst.media.stills.sequence import files_like, is_pattern
from vst.pipeline import RenderSettings
from vst.pipeline.style_pictures import picture_files


def leave_out_ingredients(found: FoundFiles, settings: RenderSettings) -> FoundFiles:
    """The files of a batch without those that others have as masks, or as pictures of a style.

    Args:
        found: The files, with the settings of their sidecars.
        settings: Those of the batch.
    """
    reasons: dict[str, Reason] = {}
    for file in found.files:
        own, source = own_settings(file, settings), os.path.realpath(file.source)
        for reason, path in _ingredients(own):
            if path != source:
                reasons.setdefault(path, reason)
    if not reasons:
        return found
    why = [reasons.get(os.path.realpath(file.source)) for file in found.files]
    kept = (file for file, each in zip(found.files, why, strict=True) if not each)
    rest = (LeftOut(file.name, each) for file, each in zip(found.files, why, strict=True) if each)
    return replace(found, files=tuple(kept), left_out=(*found.left_out, *rest))


def _ingredients(settings: RenderSettings) -> Iterator[tuple[Reason, str]]:
    """Why a file that a render reads beside its clip is not rendered, and the file's real path."""
    for path in picture_files(settings):
        yield Reason.STYLE, os.path.realpath(path)
    for mask in () if settings.layers is None else settings.layers.masks:
        if not mask.is_clip_alpha:
            for path in map(os.path.realpath, _mask_files(Path(mask.file))):
                yield Reason.MASK, path


def _mask_files(mask: Path) -> Iterable[Path]:
    try:
        return [path for _, path in files_like(mask)] if is_pattern(mask) else [mask]
    except VstError:  # the render of its clip says what is wrong with it
        return []
