"""What a media file holds, before anything is rendered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from vst.errors import MediaError, UsageError
from vst.media.colour.layout import layout_of
from vst.media.colour.mastering import Mastering, mastering_of
from vst.media.colour.spec import ColourSpec, spec_from_tags
from vst.media.probe.containers import check_readable, decoding_options, open_input, packets_of
from vst.media.probe.limits import FRAMES, PIXELS, SECONDS
from vst.media.stills.orientation import Orientation, orientation_of
from vst.media.stills.samples import StillInfo, is_still, probe_still
from vst.media.stills.sequence import DEFAULT_RATE, ImageSequence, find_sequence, is_pattern

PROBE_PICTURES = 10
"""So many pictures of a sequence are tried until one can be read."""

PROBE_PACKETS = 1000
"""So many packets of a stream are tried until its first frame must have come."""

RATE_PACKETS = 100
"""From so many packets it is seen whether the frame rate varies."""

RATE_DELAY = 16
"""So many frames at most are stored out of their order."""

TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")

MAX_RATE = 240
"""Above so many frames a second the rate is doubted."""

FIELD_ORDERS = {1: False, 2: True, 3: True, 4: True, 5: True}
"""libav's AVFieldOrder: progressive, then the four interlaced ones; 0 is unknown."""


_DURATION_TAG = re.compile(r"(\d{1,6}):(\d\d):(\d\d)\.(\d{9})")


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """One sound stream."""

    index: int
    codec: str
    rate: int
    channels: int
    language: str | None = None
    start: Fraction | None = None


@dataclass(frozen=True, slots=True)
class SubtitleInfo:
    """One subtitle stream."""

    index: int
    codec: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """One chapter, in seconds."""

    start: Fraction
    end: Fraction
    title: str | None = None


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What a clip is.

    Attributes:
        path: The file.
        container: libav's name of the container format (``"mov,mp4,m4a,..."``), or Pillow's of a still.
        is_still: A picture rather than a video: a clip of one frame.
        width: Columns of the upright picture (after rotation).
        height: Rows of the upright picture.
        coded_width: Columns as stored, before rotation.
        coded_height: Rows as stored.
        rotation: Degrees clockwise that bring the stored picture upright: 0, 90, 180 or 270.
        mirrored: After that, it is mirrored left-right as well.
        sample_aspect: Width of one pixel by its height, upright.
        time_base: The unit of the stream's timestamps, in seconds.
        average_rate: Frames a second on average, or None.
        frames: How many frames there are, as far as the container knows or a rate and a duration tell.
        duration: Length in seconds, or None.
        start: Time of the first frame in seconds, as the container has it.
        codec: The video codec's name.
        pix_fmt: The pixel format's name in libav.
        bit_depth: Bits a sample.
        has_alpha: Whether there is transparency.
        colour: What the samples mean.
        interlaced: Whether the frames are two fields each; None if the file does not say.
        audio: The sound streams.
        subtitles: The subtitle streams.
        chapters: The chapters.
        metadata: The container's own tags.
        notes: What a user should know about this file.
        stream_index: Number of the video stream in the container.
        variable_rate: Whether the first frames are not all shown for equally long.
        timecode: Of the first frame, as the container says it: 01:00:00:00.
        extras: What else the container holds: cover pictures, further videos, attachments, data.
        field_order: Which field comes first, as libav's code point; 0 is unknown.
        marked_fields: The frames themselves say that they are interlaced.
        sequence: The files of an image sequence, else None.
        light: What a frame's `gain` means: None for standard range, where there is no gain; "linear" for
            OpenEXR's light shown by sRGB's curve; "hdr" for PQ or HLG that is kept
            (`vst.media.colour.light`).
        mastering: What HDR10 says of its mastering display and its light levels.
        profile: ICC colour profile of a picture.
        exif: What the camera said of a picture.
        attributes: What describes an OpenEXR picture.
    """

    path: Path
    container: str
    is_still: bool
    width: int
    height: int
    coded_width: int
    coded_height: int
    rotation: int
    mirrored: bool
    sample_aspect: Fraction
    time_base: Fraction
    average_rate: Fraction | None
    frames: int | None
    duration: Fraction | None
    start: Fraction
    codec: str
    pix_fmt: str
    bit_depth: int
    has_alpha: bool
    colour: ColourSpec
    interlaced: bool | None = None
    audio: tuple[AudioInfo, ...] = ()
    subtitles: tuple[SubtitleInfo, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    stream_index: int = 0
    variable_rate: bool = False
    timecode: str | None = None
    extras: tuple[str, ...] = ()
    field_order: int = 0
    marked_fields: bool = False
    sequence: ImageSequence | None = None
    light: str | None = None
    mastering: Mastering | None = None
    profile: bytes | None = None
    exif: bytes | None = None
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def in_container(self) -> bool:
        """Whether the clip is a video file, which may have sound and more beside the picture."""
        return not self.is_still and self.sequence is None

    @property
    def first_file(self) -> Path:
        """The file, or the first one of a sequence."""
        return self.path if self.sequence is None else self.sequence.files[0]

    @property
    def orientation(self) -> Orientation:
        """The turn that brings stored frames upright."""
        return Orientation(self.rotation, self.mirrored)


def probe(path: str | Path, *, fps: Fraction | None = None) -> ClipInfo:
    """Open a video, a picture or an image sequence, decode its first frame, and say what it is.

    Args:
        path: A file, or a pattern such as ``shot.%04d.exr``, ``shot.####.png`` or ``shot.*.tif``.
        fps: Frames a second of an image sequence; what its files say, or 24, unless given.

    Raises:
        MediaError: If the file is missing, no media file, has no picture, or is larger than a limit allows
            (`vst.media.probe.limits`).
        UsageError: For a frame rate of something that is no image sequence.
    """
    path = Path(path)
    if is_pattern(path):
        info = _probe_sequence(find_sequence(path), fps)
    else:
        check_readable(path)
        if fps is not None:
            raise UsageError(f"--fps is for image sequences, and {path.name} is none: leave it out")
        if is_still(path):
            return _from_still(path, probe_still(path))
        with open_input(path) as container:
            info = probe_container(path, container)
    FRAMES.check(path, info.frames or 0)
    SECONDS.check(path, float(info.duration or 0))
    return info


def _from_still(path: Path, still: StillInfo) -> ClipInfo:
    return ClipInfo(
        path=path,
        container=still.format,
        is_still=True,
        width=still.width,
        height=still.height,
        coded_width=still.width,
        coded_height=still.height,
        rotation=0,
        mirrored=False,
        sample_aspect=still.sample_aspect,
        time_base=Fraction(1, 25),
        average_rate=Fraction(25),
        frames=1,
        duration=Fraction(1, 25),
        start=Fraction(0),
        codec=still.format,
        pix_fmt=still.pix_fmt,
        bit_depth=still.bit_depth,
        has_alpha=still.has_alpha,
        colour=ColourSpec("rgb", True, 0, 1, 13, True, True),
        interlaced=False,
        notes=still.notes,
        light="linear" if still.format == "exr" else None,
        profile=still.profile,
        exif=still.exif,
        attributes=still.attributes,
    )


def _first_of(sequence: ImageSequence) -> StillInfo:
    """The first picture of a sequence that can be read."""
    failure: MediaError | None = None
    for file in sequence.files[:PROBE_PICTURES]:
        try:
            check_readable(file)
            if is_still(file):
                return probe_still(file)
            failure = failure or MediaError(
                f"{file} is no picture: a sequence is of PNG, TIFF, JPEG, WebP or EXR files"
            )
        except MediaError as error:
            failure = failure or error
    raise failure or MediaError(f"{sequence.pattern} has no picture that can be read")


def _probe_sequence(sequence: ImageSequence, fps: Fraction | None) -> ClipInfo:
    still = _first_of(sequence)
    notes = list(still.notes)
    rate = fps or still.rate
    if rate is None:
        rate = DEFAULT_RATE
        notes.append(f"a sequence does not say its frame rate; {DEFAULT_RATE} is assumed (--fps)")
    if sequence.note:
        notes.append(sequence.note)
    # Fine enough for containers, and frames fall on whole ticks.
    ticks = rate.numerator * max(1, -(-1000 // rate.numerator))
    length = sequence.numbers[-1] - sequence.numbers[0] + 1
    return replace(
        _from_still(sequence.pattern, still),
        container=f"{still.format} sequence",
        is_still=False,
        time_base=Fraction(1, ticks),
        average_rate=rate,
        frames=len(sequence.files),
        duration=length / rate,
        notes=tuple(notes),
        sequence=sequence,
        exif=None,
    )


def video_streams(container: av.container.InputContainer) -> list[av.VideoStream]:
    """The streams that may be the clip: no cover art; the default one first."""
    streams = [
        stream
        for stream in container.streams.video
        if stream.codec_context is not None and not stream.disposition & av.stream.Disposition.attached_pic
    ]
    return sorted(streams, key=lambda stream: not stream.disposition & av.stream.Disposition.default)


def make_decoder(stream: av.VideoStream) -> av.VideoCodecContext:
    """The decoder for a stream: its own, but libvpx where only that decodes the alpha channel."""
    context = stream.codec_context
    alpha = stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) == "1"
    library = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(context.name)
    if not alpha or library is None:
        return context
    try:
        with_alpha = av.VideoCodecContext.create(library, "r")
    except av.codec.codec.UnknownCodecError:
        return context
    assert isinstance(with_alpha, av.VideoCodecContext)
    with_alpha.extradata = context.extradata
    return with_alpha


def first_frame(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> av.VideoFrame | None:
    """The first frame of a stream that can be decoded; None if none of the first packets gives one.

    Raises:
        MediaError: If its frames are larger than the limit.
    """
    decoder = make_decoder(stream)
    PIXELS.check(path, decoder.width * decoder.height)
    decoder.options = decoding_options()
    try:
        for count, packet in enumerate(packets_of(container, stream)):
            try:
                frames = decoder.decode(packet if packet.size else None)
            except av.FFmpegError:
                frames = []
            for frame in frames:
                if frame.width and frame.height:
                    return frame
            if count >= PROBE_PACKETS or not packet.size:
                break
    except av.FFmpegError:
        return None
    return None


def probe_container(path: Path, container: av.container.InputContainer) -> ClipInfo:
    """`probe` for a container that is open; its reading position moves."""
    streams = video_streams(container)
    if not streams:
        if container.streams.audio:
            raise MediaError(f"{path} has sound but no picture: expected a video")
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
    context = stream.codec_context
    notes: list[str] = []
    orientation = orientation_of(frame)
    if not orientation.exact:
        notes.append(
            f"the file asks for a turn by an odd angle; the nearest, {orientation.rotation}°, is taken"
        )
    layout = layout_of(frame.format.name)
    colour = spec_from_tags(
        layout,
        frame.height,
        matrix=_first_known(frame.colorspace, context.colorspace),
        range_=frame.color_range or context.color_range,
        primaries=_first_known(frame.color_primaries, context.color_primaries),
        transfer=_first_known(frame.color_trc, context.color_trc),
    )
    if not layout.is_rgb and not colour.matrix_tagged:
        notes.append(f"the file does not say its colour matrix; {colour.matrix} is assumed from its size")
    interlaced = FIELD_ORDERS.get(context.field_order)
    if frame.interlaced_frame:
        interlaced = True
    if interlaced:
        notes.append(
            "the clip is interlaced; each frame is kept as it is, with both fields "
            "(--deinterlace frames or fields makes whole pictures)"
        )
    sample_aspect = (
        _positive(stream.sample_aspect_ratio) or _positive(context.sample_aspect_ratio) or Fraction(1)
    )
    if orientation.transposed:
        sample_aspect = 1 / sample_aspect
    time_base = stream.time_base or Fraction(1, 90000)
    rate = _positive(stream.average_rate) or _positive(stream.guessed_rate)
    if rate is not None and rate > MAX_RATE:
        # Matroska and FLV count milliseconds; libav takes that for the rate where it knows nothing better.
        rate = _positive(stream.guessed_rate) or rate
    variable, counted = _spacing(container, stream)
    if counted is not None and (rate is None or rate > MAX_RATE):
        rate = counted / time_base
    duration = _tagged_duration(stream)
    if stream.duration is not None and stream.duration > 0:
        duration = stream.duration * time_base
    elif duration is None and container.duration is not None and container.duration > 0:
        duration = Fraction(container.duration, av.time_base)
    frames = stream.frames or None
    if frames is None and duration is not None and rate is not None:
        frames = max(1, round(duration * rate))
    start = frame.pts if frame.pts is not None else stream.start_time
    other = len(streams) - 1 if (streams := video_streams(container)) else 0
    if other:
        notes.append(f"of {other + 1} video streams the first that can be shown is used")
    width, height = frame.width, frame.height
    timecode = _timecode(container)
    return ClipInfo(
        path=path,
        container=container.format.name,
        is_still=False,
        width=height if orientation.transposed else width,
        height=width if orientation.transposed else height,
        coded_width=width,
        coded_height=height,
        rotation=orientation.rotation,
        mirrored=orientation.mirrored,
        sample_aspect=sample_aspect,
        time_base=time_base,
        average_rate=rate,
        frames=frames,
        duration=duration,
        start=(start or 0) * time_base,
        codec=context.codec.canonical_name,
        pix_fmt=frame.format.name,
        bit_depth=layout.bits,
        has_alpha=layout.alpha,
        colour=colour,
        interlaced=interlaced,
        audio=tuple(_audio(s) for s in container.streams.audio),
        subtitles=tuple(
            SubtitleInfo(s.index, s.codec_context.name if s.codec_context else "unknown", s.language)
            for s in container.streams.subtitles
        ),
        chapters=tuple(_chapter(c) for c in container.chapters() if c["time_base"]),
        metadata=dict(container.metadata),
        notes=tuple(notes),
        stream_index=stream.index,
        variable_rate=variable,
        timecode=timecode,
        extras=(*([f"timecode {timecode}"] if timecode else []), *_extras(container, stream)),
        field_order=int(context.field_order),
        marked_fields=frame.interlaced_frame,
        mastering=mastering_of(frame) if colour.is_hdr else None,
    )


def _timecode(container: av.container.InputContainer) -> str | None:
    """The first that the container or one of its streams says."""
    for tags in (container.metadata, *(stream.metadata for stream in container.streams)):
        for key, value in tags.items():
            if key.lower() == "timecode" and TIMECODE.fullmatch(value):
                return value
    return None


def _extras(container: av.container.InputContainer, chosen: av.VideoStream) -> Iterator[str]:
    """Streams that are neither the picture, sound nor subtitles, in words."""
    for stream in container.streams:
        codec = stream.codec_context.name if stream.codec_context else "unknown codec"
        if stream.type == "video" and stream.index != chosen.index:
            cover = stream.disposition & av.stream.Disposition.attached_pic
            yield f"{'cover picture' if cover else 'further video'} ({codec})"
        elif stream.type == "attachment":
            name = stream.metadata.get("filename", stream.metadata.get("FILENAME", ""))
            yield f"attachment {name}".strip()
        elif stream.type == "data" and not any(key.lower() == "timecode" for key in stream.metadata):
            yield f"data ({stream.metadata.get('handler_name', 'unknown')})"


def _spacing(
    container: av.container.InputContainer, stream: av.VideoStream
) -> tuple[bool, Fraction | None]:
    """Whether the first frames are spaced unevenly, more than by rounding; and frames a unit on average."""
    stamps: set[int] = set()
    whole = True
    try:
        container.seek(0)
        for count, packet in enumerate(packets_of(container, stream)):
            if packet.pts is not None:
                stamps.add(packet.pts)
            if count >= RATE_PACKETS:
                whole = False
                break
    except av.FFmpegError:
        return False, None
    # Of the last ones neighbours may be missing, which come later in the file.
    ordered = sorted(stamps)[: None if whole else -RATE_DELAY]
    steps = [after - before for before, after in pairwise(ordered)]
    if not steps:
        return False, None
    return max(steps) - min(steps) > max(2, max(steps) // 10), Fraction(len(steps), sum(steps))


def _tagged_duration(stream: av.VideoStream) -> Fraction | None:
    """The duration that Matroska files say in a tag of the stream, such as 00:00:05.120000000."""
    match = _DURATION_TAG.fullmatch(stream.metadata.get("DURATION", ""))
    if match is None:
        return None
    hours, minutes, seconds, nano = (int(part) for part in match.groups())
    return _positive(hours * 3600 + minutes * 60 + seconds + Fraction(nano, 10**9))


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


def _first_known(*codes: int) -> int:
    """The first code point that says something (0 is kept: it is RGB's)."""
    return next((int(code) for code in codes if code != 2), 2)


def _positive(value: Fraction | None) -> Fraction | None:
    return value if value is not None and value > 0 else None
