"""Audio, subtitles, tags and chapters of an output that is written while its frames are made."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack

import av

from vst.media.clock.demux import continued_packets
from vst.media.encode.containers import Container
from vst.media.encode.extra_streams import ExtraStream, add_extra_streams
from vst.media.encode.extras import CHAPTERS, TAGS, Extras
from vst.media.encode.join import copy_chapters, flush_packet
from vst.media.encode.stream_copy import CopiedStream
from vst.media.encode.tags import content_tags
from vst.media.encode.time_window import TimeWindow
from vst.media.file_errors import reason_of
from vst.media.libav import open_input, packets_of
from vst.media.notes import Notes, dropped
from vst.media.probe.clip_info import ClipInfo


class StreamExtras:
    """What the source has beside the video, read along with the frames.

    Args:
        muxer: The output; nothing is written yet.
        encoder: Its video stream.
        source: The clip.
        container: The format of the output.
        window: The part of the source's time that is in the output, without an end.
        tried: What the container takes, and how.
    """

    def __init__(
        self,
        muxer: av.container.OutputContainer,
        encoder: av.VideoStream,
        source: ClipInfo,
        container: Container,
        window: TimeWindow,
        tried: Extras,
    ) -> None:
        self.notes = Notes()
        """What was damaged or left out."""
        self._muxer, self._window = muxer, window
        self._stack = ExitStack()
        self._original = self._stack.enter_context(open_input(source.path))
        video = self._original.streams[source.stream_index]
        assert isinstance(video, av.VideoStream)
        if TAGS in tried:
            muxer.metadata.update(content_tags(self._original.metadata))
            encoder.metadata.update(content_tags(video.metadata))
        self._streams = add_extra_streams(muxer, self._original, container, source, window, tried)
        if container.is_matroska:
            _add_aac_headers(self._streams, source)
        if CHAPTERS in tried:
            copy_chapters(muxer, self._original, window)
        self._packets = self._read(video) if self._streams else iter(())
        self._waiting: tuple[float, av.Packet | None] | None = None
        self._at_end = False

    def mux(self, until: float) -> None:
        """Write the packets up to a time of the output in seconds."""
        while not self._at_end:
            item = self._waiting or next(self._packets, None)
            self._waiting = None
            if item is None:
                self._at_end = True
                return
            time, packet = item
            if time > until:
                self._waiting = item
                return
            if packet is not None:
                self._muxer.mux_one(packet)

    def finish(self, until: float | None) -> None:
        """Write the rest.

        Args:
            until: The end of the last frame, if everything ends there.
        """
        self.mux(math.inf if until is None else until)
        if not self._at_end:
            # The rest of a long source is not needed, but what the encoders still hold is.
            for stream in self._streams:
                for ready in stream.feed(flush_packet(stream.source)):
                    self._muxer.mux_one(ready)
        for stream in self._streams:
            self.notes.extend(stream.notes)

    def close(self) -> None:
        """Close the source."""
        self._stack.close()

    def _read(self, video: av.VideoStream) -> Iterator[tuple[float, av.Packet | None]]:
        """Packets for the output, each with the time that has been reached; None for one of the video."""
        by_index = {stream.source.index: stream for stream in self._streams}
        sources = [stream.source for stream in self._streams]
        latest = -math.inf
        try:
            # With the video, so that a sparse stream is not searched for its next packet.
            for packet in continued_packets(self._original, video, sources, video_too=True):
                if packet.dts is not None and packet.time_base:
                    latest = max(latest, float(packet.dts * packet.time_base - self._window.shift))
                stream = by_index.get(packet.stream.index)  # an empty one has no stream_index
                if stream is None:
                    yield latest, None
                    continue
                for ready in stream.feed(packet):
                    yield latest, ready
        except av.FFmpegError as error:
            self.notes.add(
                dropped(
                    f"audio and subtitles end early: the source cannot be read further ({reason_of(error)})"
                )
            )


def _add_aac_headers(extra: list[ExtraStream], source: ClipInfo) -> None:
    """Give AAC from MPEG-TS the header that Matroska stores at the beginning.

    The muxer makes it from the packets, and goes back in the file to store it, which a pipe cannot.
    """
    for stream in extra:
        if not isinstance(stream, CopiedStream) or stream.source.type != "audio":
            continue
        context = stream.source.codec_context
        if context is None or context.name != "aac" or context.extradata:
            continue
        with open_input(source.path) as again:
            packets = packets_of(again, again.streams[stream.source.index])
            packet = bytes(next(packets, av.Packet()))
        if len(packet) >= 4 and packet[0] == 0xFF and packet[1] & 0xF6 == 0xF0:
            # ISO/IEC 13818-7, 6.2.1, and ISO/IEC 14496-3, 1.6.2.1: object type, rate, channels.
            kind, rate = (packet[2] >> 6) + 1, packet[2] >> 2 & 15
            channels = (packet[2] & 1) << 2 | packet[3] >> 6
            header = (kind << 11 | rate << 7 | channels << 3).to_bytes(2, "big")
            stream.output.codec_context.extradata = header
