"""Audio, subtitles, attachments and cover pictures: the streams of the output that `Extras` asks for."""

from __future__ import annotations

from fractions import Fraction

import av
from av.subtitles.codeccontext import SubtitleCodecContext

from vst.media.encode.audio_encoder import add_audio_encoder, specify_layout
from vst.media.encode.containers import Container
from vst.media.encode.extras import COVERS, Extras, Transfer, is_cover
from vst.media.encode.stream_conversion import ConvertedAudio, ConvertedSubtitles
from vst.media.encode.stream_copy import CopiedStream, CoverStream, ExtraStream
from vst.media.encode.tags import label_tags
from vst.media.encode.time_window import TimeWindow
from vst.media.libav import open_input
from vst.media.probe.clip_info import ClipInfo


def add_extra_streams(
    output: av.container.OutputContainer,
    original: av.container.InputContainer,
    container: Container,
    source: ClipInfo,
    window: TimeWindow,
    extras: Extras,
) -> list[ExtraStream]:
    """Add the streams beside the video to the output.

    Args:
        output: The output.
        original: The source's container.
        container: The output's format.
        source: The clip.
        window: The part of the source's time that is in the output.
        extras: Which streams, and how.

    Raises:
        ValueError: If the container or an encoder does not take a stream; also as libav's errors.
    """
    added: list[ExtraStream] = []
    for stream in original.streams:
        way = extras.get(stream.index)
        extra: ExtraStream | None = None
        if way is None:
            continue
        if stream.type == "attachment":
            output.add_stream_from_template(stream)
        elif is_cover(stream):
            extra = _add_cover(output, source, stream, container)
        elif way is Transfer.COPY:
            copy = output.add_stream_from_template(stream, opaque=True)
            if container.is_mp4 and isinstance(copy, av.AudioStream):
                specify_layout(copy.codec_context)  # PCM in MP4 needs one
            _label(copy, stream)
            extra = CopiedStream(stream, copy, window)
        elif isinstance(stream, av.AudioStream):
            specify_layout(stream.codec_context)
            encoder = add_audio_encoder(output, stream.codec_context, container.audio)
            _label(encoder, stream)
            extra = ConvertedAudio(stream, encoder, window)
        else:
            extra = _convert_subtitles(output, stream, container, window)
        if extra is not None:
            added.append(extra)
    return added


def _label(output: av.stream.Stream, stream: av.stream.Stream) -> None:
    """Copy language, title, role and disposition."""
    output.metadata.update(label_tags(stream.metadata))
    output.disposition = stream.disposition


def _add_cover(
    output: av.container.OutputContainer, source: ClipInfo, stream: av.stream.Stream, container: Container
) -> ExtraStream | None:
    """Add a cover picture: a stream in MP4, an attachment in Matroska."""
    if container.muxer == "mp4":
        copy = output.add_stream_from_template(stream, opaque=True)
        copy.disposition = av.stream.Disposition.attached_pic
        return CoverStream(stream, copy)
    suffix, kind = COVERS[stream.codec_context.name]
    name = stream.metadata.get("filename", stream.metadata.get("FILENAME", f"cover.{suffix}"))
    # Read from the file opened again, so that the reading position of audio and subtitles does not move.
    with open_input(source.path) as again:
        packet = next((each for each in again.demux(again.streams[stream.index]) if each.size), None)
        if packet is not None:
            output.add_attachment(name, kind, bytes(packet))
    return None


def _convert_subtitles(
    output: av.container.OutputContainer,
    stream: av.stream.Stream,
    container: Container,
    window: TimeWindow,
) -> ExtraStream:
    context = stream.codec_context
    if not isinstance(context, SubtitleCodecContext) or container.subtitles is None:
        raise ValueError(f".{container.name} has no text subtitles")
    context.open(strict=False)
    target = output.add_stream(container.subtitles)
    _label(target, stream)
    encoder = target.codec_context
    assert isinstance(encoder, SubtitleCodecContext)
    encoder.subtitle_header = context.subtitle_header
    encoder.time_base = Fraction(1, 1000)
    return ConvertedSubtitles(stream, target, context, encoder, window)
