"""The video streams of a container, a decoder for each, and its first frame."""

from __future__ import annotations

from pathlib import Path

import av

from vst.media.libav import decoding_options, packets_of
from vst.media.limits import PIXELS

MAX_PROBED_PACKETS = 1000
"""Packets that are decoded until the first frame must have been returned."""


def video_streams(container: av.container.InputContainer) -> list[av.VideoStream]:
    """The streams that may be the clip: cover art is left out, and the default stream comes first.

    An animated AVIF has two default streams: a picture for those who show no animations, and the animation.
    """
    streams = [
        stream
        for stream in container.streams.video
        if stream.codec_context is not None and not stream.disposition & av.stream.Disposition.attached_pic
    ]
    default = av.stream.Disposition.default
    return sorted(streams, key=lambda stream: (not stream.disposition & default, stream.frames == 1))


def make_decoder(stream: av.VideoStream) -> av.VideoCodecContext:
    """The decoder for a stream: its own, or libvpx where only libvpx decodes the alpha channel."""
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
    """The first frame of a stream that can be decoded; None if the first packets give none.

    Raises:
        MediaError: If its frames exceed the pixel limit.
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
            if count >= MAX_PROBED_PACKETS or not packet.size:
                break
    except av.FFmpegError:
        return None
    return None
