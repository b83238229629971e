"""What an output has beside the video stream, and in which form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import av
import av.stream

from vst.media.encode.audio_encoder import describe_conversion
from vst.media.encode.containers import Container
from vst.media.encode.tags import content_tags
from vst.media.libav import open_input, packets_of
from vst.media.notes import Note, converted, dropped
from vst.media.probe.clip_info import ClipInfo
from vst.media.probe.other_streams import has_timecode

SAMPLE_PACKETS = 16
"""Packets of a stream that are muxed on trial."""

MAX_READ_PACKETS = 3000
"""Packets of the source that are read to find them."""

COVERS = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png")}
"""Codec of a cover picture -> extension and media type."""

TEXT_SUBTITLES = {"subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text"}

CHAPTER_MUXERS = ("mp4", "mov", "matroska", "webm")
"""libav's muxers that store chapters."""

TAGS, CHAPTERS = "tags", "chapters"
"""Keys of `Extras`, beside the numbers of streams."""


class Transfer(Enum):
    """How something of the source gets into the output."""

    COPY = "copy"
    """As it is."""
    CONVERT = "convert"
    """Decoded, and encoded in the codec that the container has for it."""


Extras = Mapping[int | str, Transfer]
"""What is in the output beside the video: number of the source's stream, `TAGS` or `CHAPTERS` -> how.
Everything else is left out."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something of the source beside the video.

    Attributes:
        key: As in `Extras`.
        ways: How it might get into the output, best first; empty if there is no way.
        left_out: The note about it if it is left out; None for something that no user misses.
        conversion: The note about it if it is converted.
    """

    key: int | str
    ways: tuple[Transfer, ...]
    left_out: Note | None
    conversion: Note | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """The first packets of the streams beside the video.

    Attributes:
        counts: Number of the stream -> number of its packets in the sample, `SAMPLE_PACKETS` at most.
        complete: Whether all packets were read, so that a stream without packets is empty.
        start: Earliest decoding time in seconds.
    """

    counts: Mapping[int, int]
    complete: bool
    start: Fraction


def sample_packets(source: ClipInfo) -> Sample:
    """Count the first packets of each audio and subtitle stream."""
    counts: dict[int, int] = {}
    times: list[Fraction] = []
    with open_input(source.path) as container:
        streams = sampled_streams(container)
        if not streams:
            return Sample({}, True, Fraction(0))
        try:
            for read, packet in enumerate(packets_of(container, streams), 1):
                count = counts.get(packet.stream_index, 0)
                if packet.size and count < SAMPLE_PACKETS:
                    counts[packet.stream_index] = count + 1
                    if packet.dts is not None and packet.time_base:
                        times.append(packet.dts * packet.time_base)
                found = all(counts.get(stream.index, 0) == SAMPLE_PACKETS for stream in streams)
                if found or read >= MAX_READ_PACKETS:
                    return Sample(counts, found, min(times, default=Fraction(0)))
        except av.FFmpegError:
            pass  # The file cannot be read any further, so nothing else will be copied either.
    return Sample(counts, True, min(times, default=Fraction(0)))


def sampled_streams(container: av.container.InputContainer) -> list[av.stream.Stream]:
    """The streams of a source that a sample has packets of."""
    return [stream for stream in container.streams if stream.type in ("audio", "subtitle")]


def not_stored(what: str, source: ClipInfo) -> Iterator[Note]:
    """The note on what an output of pictures alone drops; none if the clip has nothing else.

    Args:
        what: The output, such as "picture files".
        source: The clip.
    """
    properties = {
        "audio": source.audio,
        "subtitles": source.subtitles,
        "chapters": source.chapters,
        "timecode": source.timecode,
    }
    names = [name for name, value in properties.items() if value]
    if names:
        yield dropped(f"{what} cannot store {', '.join(names)}: dropped")


def parts_of(source: ClipInfo, container: Container, sample: Sample) -> list[Part]:
    """Everything beside the video of a file, in the order of its streams, then tags and chapters.

    Args:
        source: The clip.
        container: The output's format.
        sample: The first packets of its streams.
    """
    with open_input(source.path) as original:
        others = [stream for stream in original.streams if stream.index != source.stream_index]
        parts = [_part(stream, source, container, sample) for stream in others]
        video = original.streams[source.stream_index]
        if content_tags(original.metadata) or content_tags(video.metadata):
            note = dropped(f"the tags are dropped: .{container.name} cannot store them")
            parts.append(Part(TAGS, (Transfer.COPY,), note))
    if source.chapters:
        ways = (Transfer.COPY,) if container.muxer in CHAPTER_MUXERS else ()
        note = dropped(f"{len(source.chapters)} chapters are dropped: .{container.name} cannot store them")
        parts.append(Part(CHAPTERS, ways, note))
    return parts


def notes_of(parts: list[Part], extras: Extras) -> Iterator[Note]:
    """A note for each part that is converted or left out."""
    for part in parts:
        way = extras.get(part.key)
        note = part.left_out if way is None else part.conversion if way is Transfer.CONVERT else None
        if note is not None:
            yield note


def is_cover(stream: av.stream.Stream) -> bool:
    """Whether a stream is a cover picture."""
    return stream.type == "video" and bool(stream.disposition & av.stream.Disposition.attached_pic)


def _part(stream: av.stream.Stream, source: ClipInfo, container: Container, sample: Sample) -> Part:
    index, suffix = stream.index, f"not supported in .{container.name}"
    codec = stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"
    if isinstance(stream, av.AudioStream):
        return _audio_part(stream, container, sample)
    if stream.type == "subtitle":
        ways: tuple[Transfer, ...] = () if codec == "unknown" else (Transfer.COPY,)
        if codec in TEXT_SUBTITLES and container.subtitles is not None:
            ways += (Transfer.CONVERT,)
        return Part(
            index,
            ways,
            dropped(f"subtitle stream {index} ({codec}) is dropped: {suffix}"),
            converted(f"subtitle stream {index} ({codec}) is converted to {container.subtitles}"),
        )
    if stream.type == "attachment" and container.muxer == "matroska":
        return Part(index, (Transfer.COPY,), dropped(f"attachment (stream {index}) is dropped: {suffix}"))
    if is_cover(stream):
        name = stream.codec_context.name if stream.codec_context else ""
        fits = name in COVERS and container.muxer in ("mp4", "matroska")
        note = dropped(f"cover picture (stream {index}) is dropped: {suffix}")
        return Part(index, (Transfer.COPY,) if fits else (), note)
    if stream.type == "video":
        return Part(index, (), dropped(f"second video (stream {index}) is dropped"))
    if stream.type == "data" and (source.chapters or has_timecode(stream)):
        return Part(index, (), None)
    return Part(
        index,
        (),
        dropped(f"{stream.type} stream {index} is dropped: it is not video, audio or subtitles"),
    )


def _audio_part(stream: av.AudioStream, container: Container, sample: Sample) -> Part:
    index, context = stream.index, stream.codec_context
    if context is None:
        return Part(index, (), dropped(f"audio stream {index} is dropped: its codec is unknown"))
    if sample.complete and not sample.counts.get(index):
        return Part(index, (), dropped(f"audio stream {index} is dropped: it is empty"))
    codec, suffix = context.codec.canonical_name, f"not supported in .{container.name}"
    left_out = dropped(f"audio stream {index} ({codec}) is dropped: {suffix}")
    try:
        details = describe_conversion(context, container.audio)
    except (av.FFmpegError, ValueError):
        return Part(index, (Transfer.COPY,), left_out)  # There is no encoder for it.
    target = container.audio.removeprefix("lib").removesuffix("lame")
    conversion = f"audio stream {index} ({codec}) is converted to {target}{details}: {suffix}"
    return Part(index, (Transfer.COPY, Transfer.CONVERT), left_out, converted(conversion))
