"""Whether a container takes a stream as it is: libav cannot tell, so some packets are muxed on trial."""

from __future__ import annotations

import io
from fractions import Fraction

import av

from vst.media.encode.containers import Container
from vst.media.libav import open_input, packets_of
from vst.media.probe.clip_info import ClipInfo

TEST_PACKETS = 3
"""Packets of a stream that are muxed."""

MAX_READ_PACKETS = 3000
"""Packets of the source that are read to find them."""


def first_packets(source: ClipInfo) -> dict[int, list[bytes]]:
    """The payloads of the first packets of each audio and subtitle stream, by stream index."""
    found: dict[int, list[bytes]] = {}
    with open_input(source.path) as container:
        wanted = {s.index for s in container.streams if s.type in ("audio", "subtitle")}
        if not wanted:
            return found
        streams = [s for s in container.streams if s.index in wanted]
        try:
            for count, packet in enumerate(packets_of(container, streams)):
                if packet.size:
                    kept = found.setdefault(packet.stream_index, [])
                    if len(kept) < TEST_PACKETS:
                        kept.append(bytes(packet))
                complete = all(len(found.get(index, ())) == TEST_PACKETS for index in wanted)
                if complete or count >= MAX_READ_PACKETS:
                    break
        except av.FFmpegError:
            return found
    return found


def takes_stream(container: Container, stream: av.stream.Stream, payloads: list[bytes]) -> bool:
    """Whether a container takes a stream without conversion.

    Args:
        container: The format.
        stream: A stream of the source.
        payloads: The payloads of its first packets.
    """
    try:
        with av.open(io.BytesIO(), "w", format=container.muxer) as test:
            output = test.add_stream_from_template(stream, opaque=True)
            test.start_encoding()
            for number, payload in enumerate(payloads):
                packet = av.Packet(payload)
                packet.time_base = stream.time_base or Fraction(1, 1000)
                packet.pts = packet.dts = number * 4096
                packet.duration = 4096
                packet.stream = output
                test.mux_one(packet)
    except (av.FFmpegError, ValueError):
        return False
    return True
