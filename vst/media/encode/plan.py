"""From the options that a user gives to a complete plan for encoding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vst.errors import UsageError
from vst.media.colour.layout import layout_of
from vst.media.colour.spec import ColourSpec
from vst.media.encode.codec import Codec
from vst.media.encode.codec_choice import codec_named, default_codec
from vst.media.encode.codecs import CODECS, STREAM_CODECS
from vst.media.encode.containers import Container, container_of
from vst.media.encode.hardware_codecs import check_encoder
from vst.media.encode.output_colour import output_colour
from vst.media.encode.pixel_format import choose_pix_fmt, even_size, note_losses, note_padding
from vst.media.notes import Note, Notes, converted, dropped
from vst.media.probe.clip_info import ClipInfo

PIXELS_PER_THREAD = 500_000
"""There is an encoder thread for so many pixels of a frame, rounded to a power of two from `MIN_THREADS` to
`MAX_THREADS`: 2 up to 720p, 4 at 1080p, 8 in 4K. The machine does not decide, because what some encoders
write depends on the number of threads."""

MIN_THREADS, MAX_THREADS = 2, 8

MAX_TIME_BASE = 1_000_000
"""The finest time base that is taken from a source; MP4 players have trouble with finer ones."""

COMMON_TIME_BASE = Fraction(1, 90_000)
"""Used instead of a finer one."""

AVI_TOLERANCE = Fraction(1, 20)
"""Seconds by which audio may be shifted in AVI; a larger shift is visible on lips."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoding options of a user; None is the default.

    Attributes:
        codec: A key of `CODECS` or `HARDWARE_CODECS`; None for `default_codec`.
        crf: Quality, smaller is better.
        pix_fmt: Pixel format of the output.
        provenance: What the metadata of the output say about how it was made (`vst.media.provenance`); None
            for nothing.
    """

    codec: str | None = None
    crf: int | None = None
    pix_fmt: str | None = None
    provenance: str | None = None


@dataclass(frozen=True, slots=True)
class EncodingPlan:
    """All settings of the encoder and the muxer.

    Many attributes: one for each setting.

    Attributes:
        codec: The codec.
        container: The container.
        pix_fmt: Pixel format.
        colour: What the samples mean.
        options: Options of the encoder.
        width: Columns; one more than the frames have if the codec needs an even number.
        height: Rows; also.
        rate: Nominal frame rate.
        time_base: Unit of the output's timestamps, in seconds.
        sample_aspect: Width of a pixel divided by its height.
        threads: Encoder threads.
        notes: What is converted or dropped.
        provenance: As in `Encoding`.
    """

    codec: Codec
    container: Container
    pix_fmt: str
    colour: ColourSpec
    options: dict[str, str]
    width: int
    height: int
    rate: Fraction
    time_base: Fraction
    sample_aspect: Fraction
    threads: int
    notes: tuple[Note, ...]
    provenance: str | None = None


def encoder_threads(width: int, height: int) -> int:
    """The number of encoder threads for frames of this size.

    >>> [encoder_threads(*size) for size in ((854, 480), (1280, 720), (1920, 1080), (3840, 2160))]
    [2, 2, 4, 8]
    """
    threads = 2 ** round(math.log2(max(1, width * height / PIXELS_PER_THREAD)))
    return min(max(threads, MIN_THREADS), MAX_THREADS)


def plan_encoding(
    path: Path,
    source: ClipInfo,
    encoding: Encoding,
    width: int,
    height: int,
    threads: int | None = None,
    container: Container | None = None,
) -> EncodingPlan:
    """Choose codec, container, pixel format, colour and encoder options for an output.

    Args:
        path: The output; its extension is the container.
        source: The clip that the frames come from.
        encoding: The options of the user.
        width: Columns of the output.
        height: Rows of the output.
        threads: Encoder threads; None for `encoder_threads`.
        container: The container, if the extension does not decide.

    Raises:
        UsageError: If codec, pixel format, quality and container do not go together.
        MediaError: If the codec needs hardware that is not available.
    """
    threads = encoder_threads(width, height) if threads is None else threads
    if container is None:
        container = container_of(path)
    else:
        path = Path(f"stream.{container.name}")
    notes = Notes()
    codec = _choose_codec(path, container, source, encoding, width, height, notes)
    crf = _quality(codec, encoding.crf)
    if not codec.allows_size(width, height):
        raise UsageError(
            f"codec {codec.name} needs at least {codec.min_size[0]}×{codec.min_size[1]} pixels, "
            f"got {width}×{height}: choose h264"
        )
    if container.muxer == "avi":
        _check_avi_audio(source, notes)
        if source.variable_rate:
            rate = float(1 / source.frame_duration)
            notes.add(converted(f"the frame rate is a constant {rate:.6g} frames/s: AVI has no other"))
    pix_fmt = choose_pix_fmt(codec, source, encoding.pix_fmt, width, height, notes)
    layout = layout_of(pix_fmt)
    even = even_size(codec, pix_fmt, width, height)
    if even != (width, height):
        notes.add(note_padding(codec, container, pix_fmt, (width, height), even))
    colour = output_colour(source.colour, layout, codec, container, height, notes)
    note_losses(codec, source, pix_fmt, notes)
    options = codec.options(crf, threads, layout)
    if source.light == "hdr" and source.mastering is not None:
        if codec.mastering is not None:
            name, values = codec.mastering
            options[name] = ":".join((options[name], *values(source.mastering)))
        else:
            notes.add(dropped(f"the HDR10 mastering metadata is dropped: {codec.name} does not store it"))
    if source.picture.profile:
        notes.add(dropped("the colour profile is dropped: video has none; the colours are treated as sRGB"))
    if codec.hardware is not None:
        check_encoder(codec, pix_fmt, options, *even)
    return EncodingPlan(
        codec,
        container,
        pix_fmt,
        colour,
        options,
        *even,
        nominal_rate(source),
        output_time_base(source, container),
        source.sample_aspect,
        threads,
        tuple(notes),
        encoding.provenance,
    )


def _choose_codec(
    path: Path,
    container: Container,
    source: ClipInfo,
    encoding: Encoding,
    width: int,
    height: int,
    notes: Notes,
) -> Codec:
    # A chosen pixel format decides about alpha too, so then the source does not choose the codec.
    deciding = source if encoding.pix_fmt is None or source.light == "hdr" else None
    if container.codecs:
        return _codec_among(container, encoding.codec, source)
    name = encoding.codec or default_codec(path, deciding, width, height)
    codec = codec_named(name)
    if encoding.codec is None and name != default_codec(path, None, width, height):
        reason = "HDR" if source.light == "hdr" else "alpha" if source.has_alpha else "codec"
        notes.add(Note(f"codec {name} is chosen to keep the clip's {reason}; --codec chooses another"))
    if container.name not in codec.containers:
        fitting = [name for name, other in CODECS.items() if container.name in other.containers]
        raise UsageError(
            f"codec {codec.name} is not supported in .{container.name}: "
            f"use .{' or .'.join(codec.containers)}, or one of the codecs {', '.join(fitting)}"
        )
    return codec


def _codec_among(container: Container, name: str | None, source: ClipInfo) -> Codec:
    """The codec of a container that lists its codecs."""
    if name is None:
        name = container.codecs[-1 if source.light == "hdr" else 0]
    if name not in container.codecs:
        raise UsageError(
            f"codec {name} is not supported in .{container.name}: use {' or '.join(container.codecs)}"
        )
    return STREAM_CODECS.get(name) or codec_named(name)


def _quality(codec: Codec, crf: int | None) -> int | None:
    if crf is None:
        return None if codec.quality is None else codec.quality.default
    if codec.quality is None:
        raise UsageError(f"codec {codec.name} has no quality setting: leave --crf out")
    if not 0 <= crf <= codec.quality.worst:
        raise UsageError(f"--crf {crf} is out of range for {codec.name}: use 0 to {codec.quality.worst}")
    return crf


def _check_avi_audio(source: ClipInfo, notes: Notes) -> None:
    """AVI has no start times: audio that starts after the video would lose sync."""
    late = max((audio.start - source.start for audio in source.audio if audio.start is not None), default=0)
    if late > AVI_TOLERANCE:
        raise UsageError(
            f"the audio starts {float(late):.3f} s after the video, but .avi has no start times: "
            "use .mp4, .mov or .mkv"
        )
    if late > 0:
        notes.add(converted(f"the audio is shifted by {float(late):.3f} s: AVI has no start times"))


def nominal_rate(source: ClipInfo) -> Fraction:
    """The frame rate, within the range that every encoder takes."""
    return min(max(1 / source.frame_duration, Fraction(1)), Fraction(240)).limit_denominator(1001)


def output_time_base(source: ClipInfo, container: Container) -> Fraction:
    """The unit of the output's timestamps: the source's, if the container can have it."""
    if not container.exact_time:
        return Fraction(1, 1000)
    if container.muxer == "avi":
        return source.frame_duration
    if container.muxer == "yuv4mpegpipe":
        return 1 / nominal_rate(source)
    unit = Fraction(1, source.time_base.denominator)
    return unit if unit.denominator <= MAX_TIME_BASE else COMMON_TIME_BASE
