"""Encoding and reading of segments: pieces of a render, each with its own encoder.

A segment is a file of encoded video (Matroska, for most codecs) whose timestamps count frames. The
timestamps of the output are in its record (`vst.media.segments.work_folder`).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.codec.hwaccel import HWAccel

from vst.errors import MediaError
from vst.media.colour.spec import RANGE_FULL, RANGE_LIMITED
from vst.media.encode.plan import EncodingPlan
from vst.media.libav import url_of
from vst.media.segments.work_folder import Segment, WorkFolder

MAX_SEGMENT_FRAMES = 240
"""A longer shot is divided into several segments."""

COUNTER = Fraction(1, 1000)
"""The time base within a segment: each frame lasts one tick, a millisecond in Matroska."""


def add_encoder(
    container: av.container.OutputContainer, plan: EncodingPlan, time_base: Fraction
) -> av.VideoStream:
    """Add a video stream with its encoder to a container.

    Args:
        container: The container, open for writing.
        plan: Codec, pixel format, size, colour and options.
        time_base: Unit of the frames' timestamps.
    """
    hardware = plan.codec.hardware
    device = None if hardware is None else hardware.device
    stream = container.add_stream(
        plan.codec.encoder,
        options=_options(plan),
        hwaccel=None if device is None else HWAccel(device),
    )
    assert isinstance(stream, av.VideoStream)
    context = stream.codec_context
    context.width, context.height = plan.width, plan.height
    # PyAV rearranges the samples of frames in another layout of the same samples.
    context.pix_fmt = plan.pix_fmt if hardware is None else hardware.surfaces[plan.pix_fmt]
    context.framerate = plan.rate
    context.time_base = time_base
    context.sample_aspect_ratio = plan.sample_aspect
    context.thread_count = plan.threads
    context.thread_type = "AUTO"
    colour = plan.colour
    # libx264 and others take some code points only as "unspecified".
    context.colorspace = colour.matrix_code
    context.color_primaries = colour.primaries
    context.color_trc = colour.transfer
    context.color_range = RANGE_FULL if colour.full_range else RANGE_LIMITED if colour.range_tagged else 0
    if plan.container.name == "avi":
        # AVI has decoding times only: frames must be stored in presentation order.
        context.max_b_frames = 0
    return stream


def _options(plan: EncodingPlan) -> dict[str, str]:
    """The options of the encoder, with where chroma samples lie if it is not what players assume."""
    if plan.colour.centred_chroma:
        return {**plan.options, "chroma_sample_location": "center"}
    if plan.container.muxer == "yuv4mpegpipe":
        return {**plan.options, "chroma_sample_location": "left"}
    return dict(plan.options)


class SegmentEncoder:
    """A new encoder that writes one segment.

    Args:
        path: The video file to write.
        plan: Codec, pixel format, size, colour and options.
    """

    def __init__(self, path: Path, plan: EncodingPlan) -> None:
        self.delay = 0
        """The largest number of positions by which decoding order is ahead of presentation order."""
        self._count = 0
        self._written = 0
        self._container = av.open(
            url_of(path), "w", format=plan.codec.muxing.segments, container_options={"fflags": "+bitexact"}
        )
        try:
            self._stream = add_encoder(self._container, plan, 1 / plan.rate)
            self._stream.time_base = COUNTER
        except BaseException:
            self._container.close()
            raise

    def encode(self, frame: av.VideoFrame) -> None:
        """Add the next frame."""
        # prores_ks reads the colour tags from the frames, other encoders from their context.
        context = self._stream.codec_context
        frame.colorspace = context.colorspace
        frame.color_primaries = context.color_primaries
        frame.color_trc = context.color_trc
        frame.color_range = context.color_range
        frame.pts = self._count
        frame.time_base = context.time_base
        self._count += 1
        self._mux(self._stream.encode(frame))

    def close(self) -> None:
        """Flush the encoder and close the file."""
        try:
            self._mux(self._stream.encode(None))
            if self._written != self._count:
                raise MediaError(f"the encoder returned {self._written} packets for {self._count} frames")
        finally:
            self._container.close()

    def discard(self) -> None:
        """Close the file without finishing it."""
        try:
            self._container.close()
        except (av.FFmpegError, OSError):
            return

    def _mux(self, packets: list[av.Packet]) -> None:
        for packet in packets:
            number = packet.pts
            assert number is not None
            self.delay = max(self.delay, self._written - number)
            packet.time_base = COUNTER
            packet.pts = number
            packet.dts = self._written - 1000
            packet.duration = 1
            self._written += 1
            self._container.mux_one(packet)


def header_of(path: Path) -> bytes | None:
    """The codec header (extradata) of an encoded segment."""
    with av.open(url_of(path), "r") as container:
        return container.streams.video[0].codec_context.extradata


def other_settings(path: Path) -> MediaError:
    """The error for a segment whose header differs from that of the output."""
    return MediaError(
        f"{path} was encoded with other settings than this render has: render again with --no-resume"
    )


def read_packets(
    work: WorkFolder, segment: Segment, header: bytes | None = None
) -> Iterator[tuple[int, av.Packet]]:
    """The packets of a segment in decoding order, each with the number of its frame within the segment.

    Args:
        work: The work folder.
        segment: The segment.
        header: The codec header (extradata) of the whole output; None to accept any.

    Raises:
        MediaError: If the file does not match its record, or was encoded with other settings.
    """
    path = work.video(segment.index)
    with av.open(url_of(path), "r") as container:
        stream = container.streams.video[0]
        if header is not None and stream.codec_context.extradata != header:
            raise other_settings(path)
        seen = 0
        for packet in container.demux(stream):
            if not packet.size:
                continue
            number = -1 if packet.pts is None else round(packet.pts * packet.time_base / COUNTER)
            if not 0 <= number < segment.frames:
                raise MediaError(f"{path} is damaged: render again with --no-resume")
            seen += 1
            yield number, packet
        if seen != segment.frames:
            raise MediaError(f"{path} is damaged: render again with --no-resume")
