"""Audio, subtitles and cover pictures: copied if the container takes them, else converted or dropped."""

from __future__ import annotations

from fractions import Fraction

import av
import av.codec
from av.subtitles.codeccontext import SubtitleCodecContext

from vst.media.encode.containers import Container
from vst.media.encode.muxer_check import first_packets, takes_stream
from vst.media.encode.stream_conversion import ConvertedAudio, ConvertedSubtitles
from vst.media.encode.stream_copy import CopiedStream, CoverStream, ExtraStream
from vst.media.encode.tags import label_tags
from vst.media.encode.time_window import TimeWindow
from vst.media.libav import open_input
from vst.media.notes import Notes, converted, dropped
from vst.media.probe.clip_info import ClipInfo
from vst.media.probe.other_streams import has_timecode

BITRATE_PER_CHANNEL = 96_000
"""Of converted audio."""

COVERS = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png")}
"""Codec of a cover picture -> extension and media type."""

TEXT_SUBTITLES = {"subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text"}


def add_extra_streams(
    output: av.container.OutputContainer,
    original: av.container.InputContainer,
    container: Container,
    source: ClipInfo,
    window: TimeWindow,
    notes: Notes,
) -> list[ExtraStream]:
    """Add a stream to the output for each stream beside the video that can be copied or converted.

    Args:
        output: The output.
        original: The source's container.
        container: The output's format.
        source: The clip.
        window: The part of the source's time that is in the output.
        notes: Gets a note for each stream that is converted or dropped.
    """
    payloads = first_packets(source)
    added: list[ExtraStream] = []
    for stream in original.streams:
        if stream.index == source.stream_index:
            continue
        extra: ExtraStream | None = None
        if isinstance(stream, av.AudioStream):
            extra = _add_audio(output, stream, container, payloads.get(stream.index, []), window, notes)
        elif stream.type == "subtitle":
            extra = _add_subtitles(output, stream, container, payloads.get(stream.index, []), window, notes)
        elif stream.type == "attachment" and container.muxer == "matroska":
            output.add_stream_from_template(stream)
            continue
        elif stream.type == "video" and stream.disposition & av.stream.Disposition.attached_pic:
            extra = _add_cover(output, source, stream, container, notes)
        elif stream.type == "video":
            notes.add(dropped(f"second video (stream {stream.index}) is dropped"))
        elif not (stream.type == "data" and (source.chapters or has_timecode(stream))):
            notes.add(
                dropped(
                    f"{stream.type} stream {stream.index} is dropped: it is not video, audio or subtitles"
                )
            )
        if extra is not None:
            added.append(extra)
    return added


def _label(output: av.stream.Stream, stream: av.stream.Stream) -> None:
    """Copy language, title, role and disposition."""
    output.metadata.update(label_tags(stream.metadata))
    output.disposition = stream.disposition


def _add_cover(
    output: av.container.OutputContainer,
    source: ClipInfo,
    stream: av.stream.Stream,
    container: Container,
    notes: Notes,
) -> ExtraStream | None:
    """Add a cover picture: a stream in MP4, an attachment in Matroska, dropped elsewhere."""
    codec = stream.codec_context.name if stream.codec_context else ""
    if codec not in COVERS or container.muxer not in ("mp4", "matroska"):
        notes.add(
            dropped(f"cover picture (stream {stream.index}) is dropped: not supported in .{container.name}")
        )
        return None
    if container.muxer == "mp4":
        copy = output.add_stream_from_template(stream, opaque=True)
        copy.disposition = av.stream.Disposition.attached_pic
        return CoverStream(stream, copy)
    suffix, kind = COVERS[codec]
    name = stream.metadata.get("filename", stream.metadata.get("FILENAME", f"cover.{suffix}"))
    # Read from the file opened again, so that the reading position of audio and subtitles does not move.
    with open_input(source.path) as again:
        packet = next((each for each in again.demux(again.streams[stream.index]) if each.size), None)
        if packet is not None:
            output.add_attachment(name, kind, bytes(packet))
    return None


def _add_audio(
    output: av.container.OutputContainer,
    stream: av.AudioStream,
    container: Container,
    payloads: list[bytes],
    window: TimeWindow,
    notes: Notes,
) -> ExtraStream | None:
    context = stream.codec_context
    if context is None:
        notes.add(dropped(f"audio stream {stream.index} is dropped: its codec is unknown"))
        return None
    if not payloads:
        notes.add(dropped(f"audio stream {stream.index} is dropped: it is empty"))
        return None
    if takes_stream(container, stream, payloads):
        copy = output.add_stream_from_template(stream, opaque=True)
        _label(copy, stream)
        return CopiedStream(stream, copy, window)
    encoder = _add_audio_encoder(output, context, container)
    _label(encoder, stream)
    name = container.audio.removeprefix("lib").removesuffix("lame")
    notes.add(
        converted(
            f"audio stream {stream.index} ({context.codec.canonical_name}) is converted to {name}: "
            f"not supported in .{container.name}"
        )
    )
    return ConvertedAudio(stream, encoder, window)


def _add_audio_encoder(
    output: av.container.OutputContainer, context: av.AudioCodecContext, container: Container
) -> av.AudioStream:
    """Add an audio stream in the container's own codec, with the nearest sample rate and layout."""
    rates = av.codec.Codec(container.audio, "w").audio_rates or []
    rate = context.sample_rate
    if rates and rate not in rates:
        rate = 48000 if 48000 in rates else max(rates)
    if container.audio == "libopus":
        rate = 48000
    layout = context.layout.name if context.channels <= 2 or container.audio == "aac" else "stereo"
    stream = output.add_stream(container.audio, rate=rate)
    assert isinstance(stream, av.AudioStream)
    stream.codec_context.layout = layout
    stream.codec_context.bit_rate = BITRATE_PER_CHANNEL * min(context.channels, len(stream.layout.channels))
    return stream


def _add_subtitles(
    output: av.container.OutputContainer,
    stream: av.stream.Stream,
    container: Container,
    payloads: list[bytes],
    window: TimeWindow,
    notes: Notes,
) -> ExtraStream | None:
    context = stream.codec_context
    name = context.codec.canonical_name if context is not None else "unknown"
    if context is not None and takes_stream(container, stream, payloads):
        copy = output.add_stream_from_template(stream, opaque=True)
        _label(copy, stream)
        return CopiedStream(stream, copy, window)
    if context is None or container.subtitles is None or name not in TEXT_SUBTITLES:
        notes.add(
            dropped(
                f"subtitle stream {stream.index} ({name}) is dropped: not supported in .{container.name}"
            )
        )
        return None
    assert isinstance(context, SubtitleCodecContext)
    context.open(strict=False)
    target = output.add_stream(container.subtitles)
    encoder = target.codec_context
    assert isinstance(encoder, SubtitleCodecContext)
    encoder.subtitle_header = context.subtitle_header
    encoder.time_base = Fraction(1, 1000)
    _label(target, stream)
    notes.add(converted(f"subtitle stream {stream.index} ({name}) is converted to {container.subtitles}"))
    return ConvertedSubtitles(stream, target, context, encoder, window)
