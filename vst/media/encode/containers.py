"""The table of container formats that can be written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vst.errors import UsageError


@dataclass(frozen=True, slots=True)
class Container:
    """One container format that can be written.

    Attributes:
        name: The extension without its dot.
        muxer: libav's name of the muxer.
        exact_time: Whether timestamps can have the time base of the source; otherwise it is a millisecond.
        carries_range: Whether the container itself stores full or limited range.
        audio: The codec that audio is converted to if the container does not take the source's.
        subtitles: The text subtitle codec of this container, or None if it has none.
        options: Options of the muxer.
        start_times: Whether streams may start at different times; otherwise all start at 0.
        codecs: The codecs that it may hold, where `Codec.containers` does not say so; the first is the
            default.
        holds_extras: Whether it holds audio, subtitles and tags.
        provenance: Tags that may hold the provenance (`vst.media.provenance`), the preferred first; the
            last one is rarely used otherwise.
    """

    name: str
    muxer: str
    exact_time: bool
    carries_range: bool
    audio: str
    subtitles: str | None
    options: tuple[tuple[str, str], ...] = ()
    start_times: bool = True
    codecs: tuple[str, ...] = ()
    holds_extras: bool = True
    provenance: tuple[str, ...] = ("comment", "provenance")

    @property
    def is_mp4(self) -> bool:
        """Whether it is MP4 or QuickTime."""
        return self.muxer in ("mp4", "mov")

    @property
    def is_matroska(self) -> bool:
        """Whether it is Matroska or WebM."""
        return self.muxer in ("matroska", "webm")


_FASTSTART = (("movflags", "+faststart"),)
_MP4_PROVENANCE = ("comment", "description", "synopsis", "provenance")
_NEGATIVE_TIMES = (("avoid_negative_ts", "disabled"),)

CONTAINERS = {
    "mp4": Container("mp4", "mp4", True, False, "aac", "mov_text", _FASTSTART, provenance=_MP4_PROVENANCE),
    "m4v": Container("m4v", "mp4", True, False, "aac", "mov_text", _FASTSTART, provenance=_MP4_PROVENANCE),
    "mov": Container("mov", "mov", True, False, "aac", "mov_text", _FASTSTART),
    "mkv": Container("mkv", "matroska", False, True, "aac", "srt", _NEGATIVE_TIMES),
    "webm": Container("webm", "webm", False, True, "libopus", "webvtt", _NEGATIVE_TIMES),
    "avi": Container(
        "avi",
        "avi",
        True,
        False,
        "libmp3lame",
        None,
        start_times=False,
        provenance=("comment", "ISFT"),  # the chunk of the program that wrote a file
    ),
}
"""Extension -> container."""

STREAM_CONTAINERS = {
    "mkv": CONTAINERS["mkv"],
    "ts": Container("ts", "mpegts", True, False, "aac", None, codecs=("h264", "h265"), provenance=()),
    "y4m": Container(
        "y4m",
        "yuv4mpegpipe",
        True,
        False,
        "",
        None,
        (("strict", "-1"),),  # more than 8 bits
        codecs=("rawvideo",),
        holds_extras=False,
        provenance=(),
    ),
}
"""Name -> container of an output that is a pipe."""


def container_of(path: Path) -> Container:
    """The container for the extension of a file name.

    Raises:
        UsageError: If the extension is unknown.
    """
    container = CONTAINERS.get(path.suffix.lower().lstrip("."))
    if container is None:
        known = ", ".join("." + name for name in CONTAINERS)
        raise UsageError(f"{path.name} does not have the extension of a video format: use one of {known}")
    return container
