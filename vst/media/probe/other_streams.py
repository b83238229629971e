"""What a container holds beside the video stream: audio, subtitles, chapters, timecode and the rest."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av

from vst.media.probe.clip_info import AudioInfo, Chapter, SubtitleInfo
from vst.media.probe.timecode import is_timecode


def audio_streams(container: av.container.InputContainer) -> tuple[AudioInfo, ...]:
    """The audio streams."""
    return tuple(_audio(stream) for stream in container.streams.audio)


def subtitle_streams(container: av.container.InputContainer) -> tuple[SubtitleInfo, ...]:
    """The subtitle streams."""
    return tuple(
        SubtitleInfo(
            stream.index,
            stream.codec_context.name if stream.codec_context else "unknown",
            stream.language,
        )
        for stream in container.streams.subtitles
    )


def chapters_of(container: av.container.InputContainer) -> tuple[Chapter, ...]:
    """The chapters."""
    return tuple(_chapter(chapter) for chapter in container.chapters() if chapter["time_base"])


def timecode_of(container: av.container.InputContainer) -> str | None:
    """The first timecode in the tags of the container or its streams."""
    for tags in (container.metadata, *(stream.metadata for stream in container.streams)):
        for key, value in tags.items():
            if key.lower() == "timecode" and is_timecode(value):
                return value
    return None


def has_timecode(stream: av.stream.Stream) -> bool:
    """Whether a stream has a timecode tag."""
    return any(key.lower() == "timecode" for key in stream.metadata)


def describe_extras(container: av.container.InputContainer, video: av.VideoStream) -> Iterator[str]:
    """A description of the timecode and of each stream that is not the video, audio or subtitles."""
    timecode = timecode_of(container)
    if timecode is not None:
        yield f"timecode {timecode}"
    for stream in container.streams:
        codec = stream.codec_context.name if stream.codec_context else "unknown codec"
        if stream.type == "video" and stream.index != video.index:
            cover = stream.disposition & av.stream.Disposition.attached_pic
            yield f"{'cover picture' if cover else 'further video'} ({codec})"
        elif stream.type == "attachment":
            name = stream.metadata.get("filename", stream.metadata.get("FILENAME", ""))
            yield f"attachment {name}".strip()
        elif stream.type == "data" and not has_timecode(stream):
            yield f"data ({stream.metadata.get('handler_name', 'unknown')})"


def _audio(stream: av.AudioStream) -> AudioInfo:
    context = stream.codec_context
    start = None
    if stream.start_time is not None and stream.time_base:
        start = stream.start_time * stream.time_base
    if context is None:
        return AudioInfo(stream.index, "unknown", 0, 0, stream.language, start)
    return AudioInfo(
        stream.index,
        context.codec.canonical_name,
        context.sample_rate or 0,
        context.channels,
        stream.language,
        start,
    )


def _chapter(chapter: av.container.core.Chapter) -> Chapter:
    unit = chapter["time_base"] or Fraction(1)
    return Chapter(chapter["start"] * unit, chapter["end"] * unit, chapter["metadata"].get("title"))
