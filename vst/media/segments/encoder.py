"""Encoded pieces of a render, each by a fresh encoder and complete in itself.

A piece is a file of encoded video (Matroska, for most codecs) whose timestamps count frames; the real ones
are in its record (`vst.media.segments.work_folder`).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.codec.hwaccel import HWAccel

from vst.errors import MediaError
from vst.media.colour.spec import RANGE_FULL, RANGE_LIMITED
from vst.media.encode.codecs import Plan
from vst.media.segments.work_folder import Segment, WorkFolder

MAX_FRAMES = 240
"""A shot longer than this is cut into several segments."""

ENCODER_THREADS = 2
"""Fixed, because some encoders decide differently with another number of threads."""

COUNTER = Fraction(1, 1000)
"""Inside of a segment one frame is one Matroska millisecond, or as much in another container's units."""


class SegmentEncoder:
    """A fresh encoder that writes one segment.

    Args:
        path: The video file to write.
        plan: Codec, pixel format, colour and options.
        width: Columns.
        height: Rows.
        rate: Nominal frame rate (timestamps are written when the segments are joined).
        sample_aspect: Width of a pixel by its height.
        threads: Encoder threads.
    """

    def __init__(
        self,
        path: Path,
        plan: Plan,
        width: int,
        height: int,
        rate: Fraction,
        sample_aspect: Fraction,
        threads: int = ENCODER_THREADS,
    ) -> None:
        self.delay = 0
        self._rate = rate
        self._count = 0
        self._written = 0
        self._container = av.open(
            str(path), "w", format=plan.codec.segments, container_options={"fflags": "+bitexact"}
        )
        try:
            device = plan.codec.device
            stream = self._container.add_stream(
                plan.codec.encoder,
                options=dict(plan.options),
                hwaccel=None if device is None else HWAccel(device),
            )
            assert isinstance(stream, av.VideoStream)
            stream.time_base = COUNTER
            context = stream.codec_context
            context.width, context.height = width, height
            # PyAV moves the samples of frames in another order of the same.
            surfaces = plan.codec.surfaces
            context.pix_fmt = plan.pix_fmt if surfaces is None else surfaces[plan.pix_fmt]
            context.framerate = rate
            context.time_base = 1 / rate
            context.sample_aspect_ratio = sample_aspect
            context.thread_count = threads
            context.thread_type = "AUTO"
            colour = plan.colour
            # libx264 and its like take a few code points only as "unspecified".
            context.colorspace = colour.matrix_code
            context.color_primaries = colour.primaries
            context.color_trc = colour.transfer
            context.color_range = (
                RANGE_FULL if colour.full_range else RANGE_LIMITED if colour.range_tagged else 0
            )
            if plan.container.name == "avi":
                # AVI has one clock, that of decoding: frames must be stored as they are shown.
                context.max_b_frames = 0
            self._stream = stream
        except BaseException:
            self._container.close()
            raise

    def encode(self, frame: av.VideoFrame) -> None:
        """Add the next frame."""
        # prores_ks reads the tags from the frames, the others from the encoder.
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


def read_packets(
    store: WorkFolder, segment: Segment, header: bytes | None = None
) -> Iterator[tuple[int, av.Packet]]:
    """The packets of a segment in decoding order, each with its frame's number within the segment.

    Args:
        store: Where the segment lies.
        segment: Which one.
        header: The codec header (extradata) that the whole clip will have.

    Raises:
        MediaError: If the file does not hold what its record says, or was encoded with other settings.
    """
    with av.open(str(store.video(segment.index)), "r") as container:
        stream = container.streams.video[0]
        if header is not None and stream.codec_context.extradata != header:
            raise MediaError(
                f"{store.video(segment.index)} was encoded with other settings than the first segment: "
                "render again with --no-resume"
            )
        seen = 0
        for packet in container.demux(stream):
            if not packet.size:
                continue
            number = -1 if packet.pts is None else round(packet.pts * packet.time_base / COUNTER)
            if not 0 <= number < segment.frames:
                raise MediaError(f"{store.video(segment.index)} is damaged: render again with --no-resume")
            seen += 1
            yield number, packet
        if seen != segment.frames:
            raise MediaError(f"{store.video(segment.index)} is damaged: render again with --no-resume")
