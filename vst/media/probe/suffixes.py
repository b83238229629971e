"""Extensions of the files that can be read, from the tables of the readers."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

import av

from vst.media.libav import DEMUXERS
from vst.media.stills.sequence import PICTURE_SUFFIXES

_MUXERS = "ogv,vob"
"""libav's names of formats whose usual extensions only its muxers list."""

_WITHOUT_VIDEO = {
    ".aac", ".ac3", ".afc", ".aif", ".aifc", ".aiff", ".amr", ".caf", ".ec3", ".eac3", ".flac", ".isma",
    ".m2a", ".m4a", ".m4b", ".mka", ".mks", ".mp2", ".mp3", ".mpa", ".ra", ".w64", ".wav", ".wma",
}  # fmt: skip
"""Extensions of those formats that, by convention, mean a file without video."""


@cache
def media_suffixes() -> frozenset[str]:
    """Extensions that promise a video or a picture that can be read, in lower case.

    A file with another extension may be one as well: only `probe` knows.
    """
    containers = set()
    for name in (*DEMUXERS.split(","), *_MUXERS.split(",")):
        with suppress(ValueError):  # this build of libav lacks the format
            containers |= {f".{each}" for each in av.ContainerFormat(name).extensions}
    return frozenset((containers - _WITHOUT_VIDEO) | set(PICTURE_SUFFIXES))
