"""Which codec an output gets: by name, or by default from the container and the source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vst.errors import UsageError, suggestion
from vst.media.encode.codec import Codec
from vst.media.encode.codecs import CODECS
from vst.media.encode.hardware_codecs import HARDWARE_CODECS
from vst.media.stills.animate import ANIMATIONS

if TYPE_CHECKING:
    from vst.media.probe.clip_info import ClipInfo

DEFAULT_CODEC = "h264"

ALPHA_CODECS = {"mov": "prores", "mkv": "vp9", "webm": "vp9"}
"""Extension -> default codec for a clip with an alpha channel."""

EDITING_CODECS = {"prores": "prores", "dnxhd": "dnxhr"}
"""libav's name of a source's codec -> codec. These are made for editing, so they stay what they are."""

HDR_CODECS = ("h265", "av1", "h264")
"""Default codecs for HDR that is kept; the first one that the container and the size allow is used."""


def codec_named(name: str) -> Codec:
    """The software or hardware codec with this name.

    Raises:
        UsageError: If there is none.
    """
    codec = CODECS.get(name) or HARDWARE_CODECS.get(name)
    if codec is None and name in ANIMATIONS:
        suffixes = " or ".join(ANIMATIONS[name].suffixes)
        raise UsageError(f"codec {name} is for animated pictures: use the extension {suffixes}")
    if codec is None:
        known = (*CODECS, *HARDWARE_CODECS, *ANIMATIONS)
        raise UsageError(f"unknown codec {name!r}: {suggestion(name, known)}")
    return codec


def default_codec(
    output: Path, source: ClipInfo | None = None, width: int = 1 << 14, height: int = 1 << 14
) -> str:
    """The name of the codec for an output without ``--codec``.

    It is H.264 if the container may hold it, else the first codec that it may hold. Clips with alpha get a
    codec with alpha, HDR that is kept one with 10 bits, and ProRes and DNxHR stay what they are.

    Args:
        output: The file; its extension is the container.
        source: The clip; None for any clip.
        width: Columns of the output.
        height: Rows of the output.
    """
    extension = output.suffix.lower().removeprefix(".")

    def fits(name: str) -> bool:
        return extension in CODECS[name].containers and CODECS[name].allows_size(width, height)

    if source is not None and source.light == "hdr":
        for name in HDR_CODECS:
            if fits(name):
                return name
    if source is not None and source.has_alpha and extension in ALPHA_CODECS:
        return ALPHA_CODECS[extension]
    if source is not None and (same := EDITING_CODECS.get(source.codec)) is not None and fits(same):
        return same
    candidates = [name for name, codec in CODECS.items() if extension in codec.containers]
    if width % 2 or height % 2:
        # SVT-AV1 encodes 4:2:0 only, which needs even sides.
        candidates = [name for name in candidates if name != "av1"] or candidates
    return candidates[0] if candidates and DEFAULT_CODEC not in candidates else DEFAULT_CODEC
