"""`ClipInfo`: what is known about a clip, and the records that it consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from vst.media.colour.mastering import Mastering
from vst.media.colour.spec import ColourSpec
from vst.media.notes import Note
from vst.media.probe.orientation import Orientation
from vst.media.provenance import find_provenance
from vst.media.stills.samples import PictureMetadata
from vst.media.stills.sequence import ImageSequence

DEFAULT_FRAME_DURATION = Fraction(1, 25)
"""Seconds, for clips without a frame rate."""


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """One audio stream.

    Attributes:
        index: Number of the stream in the container.
        codec: Name of the codec in libav.
        rate: Samples per second.
        channels: Number of channels.
        language: ISO 639 code, or None.
        start: Time of the first sample in seconds, or None if unknown.
    """

    index: int
    codec: str
    rate: int
    channels: int
    language: str | None = None
    start: Fraction | None = None


@dataclass(frozen=True, slots=True)
class SubtitleInfo:
    """One subtitle stream.

    Attributes:
        index: Number of the stream in the container.
        codec: Name of the codec in libav.
        language: ISO 639 code, or None.
    """

    index: int
    codec: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """One chapter; times in seconds."""

    start: Fraction
    end: Fraction
    title: str | None = None


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """The frames as they are stored, before rotation.

    Attributes:
        width: Columns.
        height: Rows.
        rotation: Degrees clockwise that turn the stored frame upright: 0, 90, 180 or 270.
        mirrored: Whether the frame is mirrored left-right after the rotation.
    """

    width: int
    height: int
    rotation: int = 0
    mirrored: bool = False

    @property
    def orientation(self) -> Orientation:
        """The transform that turns stored frames upright."""
        return Orientation(self.rotation, self.mirrored)


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """Whether and how the frames are interlaced.

    Attributes:
        interlaced: Whether each frame consists of two fields; None if the file does not state it.
        order: Which field comes first, as libav's AVFieldOrder; 0 is unknown.
        flagged: Whether the frames themselves are flagged as interlaced.
    """

    interlaced: bool | None = None
    order: int = 0
    flagged: bool = False


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """The properties of a clip.

    Many attributes: the class is flat, like the stream metadata of torchcodec and ffprobe, and gives each
    property directly. Properties that are only used together are grouped (`stored`, `fields`, `picture`,
    `colour`, `mastering`).

    Attributes:
        path: The file, or the pattern of an image sequence.
        container: libav's name of the container format (``"mov,mp4,m4a,..."``), or Pillow's of a still.
        is_still: Whether the clip is a single picture: a clip of one frame.
        width: Columns of the upright frame (after rotation).
        height: Rows of the upright frame.
        stored: Size and orientation of the frames as stored.
        sample_aspect: Width of a pixel divided by its height, upright.
        time_base: The unit of the stream's timestamps, in seconds.
        average_rate: Average frames per second, or None.
        frames: Number of frames, if the container states it or rate and duration give it.
        duration: Length in seconds, or None.
        start: Time of the first frame in seconds, as stored in the container.
        codec: Name of the video codec.
        pix_fmt: Name of the pixel format in libav.
        bit_depth: Bits per sample.
        has_alpha: Whether there is an alpha channel.
        colour: What the samples mean.
        fields: Whether and how the frames are interlaced.
        audio: The audio streams.
        subtitles: The subtitle streams.
        chapters: The chapters.
        metadata: The container's tags.
        notes: What a user should know about this file.
        stream_index: Number of the video stream in the container.
        variable_rate: Whether the durations of the first frames differ.
        timecode: Timecode of the first frame, such as 01:00:00:00, or None.
        extras: Descriptions of what else is in the container: cover pictures, further videos, attachments,
            data.
        sequence: The files of an image sequence, else None.
        light: What a frame's `gain` means: None for SDR, which has no gain; "linear" for linear light of
            OpenEXR, shown by sRGB's curve; "hdr" for PQ or HLG that is kept (`vst.media.colour.light`).
        mastering: HDR10's metadata about the mastering display and the light levels.
        picture: Metadata of a picture file.
        plays: How often an animated picture is shown, 0 for ever; None for other clips.
        curve: How the samples of pictures store light, a key of `vst.media.colour.curves.CURVES`, if the
            user stated it.
        in_decoding_order: Whether only the decoder tells the order of the frames, because the stored
            timestamps are in decoding order or contradict each other.
    """

    path: Path
    container: str
    is_still: bool
    width: int
    height: int
    stored: StoredFrame
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
    fields: FieldInfo = FieldInfo()
    audio: tuple[AudioInfo, ...] = ()
    subtitles: tuple[SubtitleInfo, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    stream_index: int = 0
    variable_rate: bool = False
    timecode: str | None = None
    extras: tuple[str, ...] = ()
    sequence: ImageSequence | None = None
    light: str | None = None
    mastering: Mastering | None = None
    picture: PictureMetadata = field(default_factory=PictureMetadata)
    plays: int | None = None
    curve: str | None = None
    in_decoding_order: bool = False

    @property
    def is_animated_webp(self) -> bool:
        """Whether the clip is an animated WebP, which Pillow decodes rather than libav."""
        return self.container == "webp" and self.plays is not None

    @property
    def provenance(self) -> str | None:
        """What the metadata say about the render that made the clip (`vst.media.provenance`)."""
        return self.picture.provenance or find_provenance(self.metadata)

    @property
    def frame_duration(self) -> Fraction:
        """The duration of a frame in seconds, by the average rate."""
        return 1 / self.average_rate if self.average_rate else DEFAULT_FRAME_DURATION

    @property
    def in_container(self) -> bool:
        """Whether libav decodes the clip; it may have audio and more beside the video stream."""
        return not self.is_still and self.sequence is None and not self.is_animated_webp

    @property
    def may_hold_extras(self) -> bool:
        """Whether the container can hold audio and more beside the video stream."""
        return self.in_container and self.container != "yuv4mpegpipe"

    @property
    def first_file(self) -> Path:
        """The file, or the first one of a sequence."""
        return self.path if self.sequence is None else self.sequence.files[0]
