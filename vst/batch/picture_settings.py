"""Options that are for video, in a batch that has pictures as well."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from vst.batch.batch_file import BatchFile
from vst.media.stills.write import PIX_FMT_BITS
from vst.pipeline import RenderSettings

_log = logging.getLogger(__name__)


def settings_of(file: BatchFile, settings: RenderSettings) -> RenderSettings:
    """The settings of one file: a picture has no codec and no quality, and pixel formats of its own."""
    if not file.is_picture:
        return settings
    pix_fmt = settings.pix_fmt if settings.pix_fmt in PIX_FMT_BITS else None
    return replace(settings, codec=None, crf=None, pix_fmt=pix_fmt)


def options_for_video(settings: RenderSettings) -> str:
    """The options that `settings_of` leaves out for a picture, as the user wrote them."""
    given = {"--codec": settings.codec, "--crf": settings.crf}
    if settings.pix_fmt not in PIX_FMT_BITS:
        given["--pix-fmt"] = settings.pix_fmt
    return ", ".join(f"{name} {value}" for name, value in given.items() if value is not None)


def note_options_for_video(files: Sequence[BatchFile], settings: RenderSettings) -> None:
    """Say once that options for video do not apply to the pictures of a batch."""
    pictures = sum(file.is_picture for file in files)
    options = options_for_video(settings)
    if pictures and options:
        _log.warning(
            "%s: not for pictures; %d of %d files are pictures, and are rendered without",
            options,
            pictures,
            len(files),
        )
