"""`probe` for a container that is open: its video stream and everything beside it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from vst.errors import AudioOnly, MediaError
from vst.media.colour.layout import layout_of
from vst.media.colour.mastering import mastering_of
from vst.media.colour.spec import CENTRED_CHROMA, UNSPECIFIED, ColourSpec, spec_from_tags
from vst.media.notes import Note, NoteKind, Notes, assumed, converted
from vst.media.probe.clip_info import ClipInfo, FieldInfo, StoredFrame
from vst.media.probe.first_frame import first_frame, video_streams
from vst.media.probe.orientation import Orientation, orientation_of
from vst.media.probe.other_streams import (
    audio_streams,
    chapters_of,
    describe_extras,
    subtitle_streams,
    timecode_of,
)
from vst.media.probe.timing import positive, stream_timing

INTERLACED_ORDERS = {1: False, 2: True, 3: True, 4: True, 5: True}
"""libav's AVFieldOrder -> whether it is interlaced; 0 is unknown."""


def probe_container(path: Path, container: av.container.InputContainer) -> ClipInfo:
    """`probe` for a container that is open; its reading position moves."""
    streams = video_streams(container)
    if not streams:
        if container.streams.audio:
            raise AudioOnly(f"{path} has audio but no video stream: expected a video")
        raise MediaError(f"{path} has no video that can be decoded: expected a video or a picture")
    for number, stream in enumerate(streams):
        if number:
            try:
                container.seek(0)
            except av.FFmpegError:
                continue
        frame = first_frame(path, container, stream)
        if frame is not None:
            return _describe(path, container, stream, frame)
    raise MediaError(
        f"{path} has no frame that can be decoded ({streams[0].codec_context.name}): "
        "the file is damaged or cut short"
    )


def _describe(
    path: Path,
    container: av.container.InputContainer,
    stream: av.VideoStream,
    frame: av.VideoFrame,
) -> ClipInfo:
    notes = Notes()
    orientation = _orientation(frame, notes)
    layout = layout_of(frame.format.name)
    colour = _colour(stream, frame, notes)
    fields = _fields(stream, frame, notes)
    timing = stream_timing(container, stream, notes)
    in_order = timing.in_decoding_order and not fields.interlaced
    start = timing.first if in_order else frame.pts
    if start is None:
        start = stream.start_time
    count = len(video_streams(container))
    if count > 1:
        notes.add(Note(f"the first of {count} video streams that can be decoded is used"))
    width, height = frame.width, frame.height
    return ClipInfo(
        path=path,
        container=container.format.name,
        is_still=False,
        width=height if orientation.transposed else width,
        height=width if orientation.transposed else height,
        stored=StoredFrame(width, height, orientation.rotation, orientation.mirrored),
        sample_aspect=_sample_aspect(stream, orientation),
        time_base=timing.time_base,
        average_rate=timing.rate,
        frames=timing.frames,
        duration=timing.duration,
        start=(start or 0) * timing.time_base,
        codec=stream.codec_context.codec.canonical_name,
        pix_fmt=frame.format.name,
        bit_depth=layout.bits,
        has_alpha=layout.alpha,
        colour=colour,
        fields=fields,
        audio=audio_streams(container),
        subtitles=subtitle_streams(container),
        chapters=chapters_of(container),
        metadata=dict(container.metadata),
        notes=tuple(notes),
        stream_index=stream.index,
        variable_rate=timing.variable,
        timecode=timecode_of(container),
        extras=tuple(describe_extras(container, stream)),
        mastering=mastering_of(frame) if colour.is_hdr else None,
        in_decoding_order=in_order,
    )


def _orientation(frame: av.VideoFrame, notes: Notes) -> Orientation:
    orientation = orientation_of(frame)
    if not orientation.exact:
        notes.add(
            converted(
                "the display matrix has a rotation that is not a multiple of 90°; "
                f"using the nearest, {orientation.rotation}°"
            )
        )
    return orientation


def _colour(stream: av.VideoStream, frame: av.VideoFrame, notes: Notes) -> ColourSpec:
    """What the samples mean, from the tags of the frame and the stream."""
    context = stream.codec_context
    layout = layout_of(frame.format.name)
    colour = spec_from_tags(
        layout,
        frame.height,
        matrix=_first_specified(frame.colorspace, context.colorspace),
        range_=frame.color_range or context.color_range,
        primaries=_first_specified(frame.color_primaries, context.color_primaries),
        transfer=_first_specified(frame.color_trc, context.color_trc),
        centred_chroma=context.name in CENTRED_CHROMA,
    )
    if not layout.is_rgb and not colour.matrix_tagged:
        notes.add(assumed(f"the file has no colour matrix tag; assuming {colour.matrix} from its size"))
    return colour


def _fields(stream: av.VideoStream, frame: av.VideoFrame, notes: Notes) -> FieldInfo:
    context = stream.codec_context
    interlaced = True if frame.interlaced_frame else INTERLACED_ORDERS.get(context.field_order)
    if interlaced:
        notes.add(
            Note(
                "the clip is interlaced; each frame keeps both fields "
                "(--deinterlace frames or fields gives progressive frames)",
                NoteKind.INTERLACED,
            )
        )
    return FieldInfo(interlaced, int(context.field_order), frame.interlaced_frame)


def _sample_aspect(stream: av.VideoStream, orientation: Orientation) -> Fraction:
    aspect = (
        positive(stream.sample_aspect_ratio)
        or positive(stream.codec_context.sample_aspect_ratio)
        or Fraction(1)
    )
    return 1 / aspect if orientation.transposed else aspect


def _first_specified(*codes: int) -> int:
    """The first code point that is not "unspecified" (0 is kept: it is RGB's)."""
    return next((int(code) for code in codes if code != UNSPECIFIED), UNSPECIFIED)
