"""Writing a video to a pipe while it is made."""

from __future__ import annotations

import contextlib
import math
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from vst.errors import UsageError
from vst.frame import Frame
from vst.media.clock.demux import continued_packets
from vst.media.encode.containers import STREAM_CONTAINERS, Container
from vst.media.encode.extra_streams import add_extra_streams
from vst.media.encode.extras import CHAPTERS, TAGS, Extras
from vst.media.encode.join import copy_chapters, flush_packet
from vst.media.encode.plan import Encoding, plan_encoding
from vst.media.encode.stream_copy import CopiedStream, ExtraStream
from vst.media.encode.tags import content_tags
from vst.media.encode.timestamps import OutputTimestamps
from vst.media.encode.trial_join import open_trial
from vst.media.encode.video_signal import picture_of
from vst.media.encode.writer import Writer
from vst.media.file_errors import reason_of
from vst.media.libav import open_input, packets_of
from vst.media.notes import dropped
from vst.media.pipes.input_stream import held_stream
from vst.media.pipes.output_stream import OutputStream, stream_suffix
from vst.media.probe.clip_info import ClipInfo
from vst.media.segments.encoder import add_encoder
from vst.media.segments.transaction import OutputTransaction
from vst.media.segments.work_folder import Save, WorkFolder
from vst.stream_paths import is_stream

Packets = Iterator[tuple[float, av.Packet | None]]


def stream_container(path: Path, name: str | None) -> Container:
    """The container of an output stream: the one named, else that of its suffix, else Matroska.

    Raises:
        UsageError: The suffix is that of a format that cannot be streamed.
    """
    chosen = name or stream_suffix(path) or "mkv"
    if chosen not in STREAM_CONTAINERS:
        raise UsageError(
            f"{path} is a pipe, and .{chosen} cannot be written to one: choose --pipe-format "
            f"{', '.join(STREAM_CONTAINERS)}"
        )
    return STREAM_CONTAINERS[chosen]


class StreamWriter(Writer):
    """Writes a video to a pipe, with one encoder and without a work folder: it cannot be resumed.

    Audio and subtitles are read along with the frames, and written up to the time of the last one.

    Args:
        output: Its path; nothing else of the transaction is used.
        source: The clip that the frames come from.
        encoding: Codec, quality and pixel format.
        width: Columns of the output.
        height: Rows of the output.
        container: A value of `STREAM_CONTAINERS`.
        threads: Encoder threads.
        stop: Ends the waiting for the program that reads the pipe.
    """

    def __init__(
        self,
        output: OutputTransaction,
        source: ClipInfo,
        encoding: Encoding,
        width: int,
        height: int,
        *,
        container: Container,
        threads: int,
        stop: threading.Event | None,
    ) -> None:
        super().__init__(output, source, width, height)
        self.loses_light = source.light != "hdr"
        self._plan = plan_encoding(output.path, source, encoding, width, height, threads, container)
        self._notes.extend(self._plan.notes)
        self._times = OutputTimestamps(source, self._plan.time_base, self._plan.container)
        self._tried: Extras = {}
        if source.may_hold_extras:
            self._try()
        self._end = 0
        self._muxer: av.container.OutputContainer | None = None
        self._stack = ExitStack()
        self._pipe = OutputStream(output.path, stop)

    def _try(self) -> None:
        """Find out what of the source the container takes beside the video, before the first frame."""
        container, source = self._plan.container, self._source
        if not container.holds_extras:
            kinds = {"audio": source.audio, "subtitles": source.subtitles, "chapters": source.chapters}
            names = [name for name, value in kinds.items() if value]
            if names:
                self._notes.add(dropped(f".{container.name} cannot hold {', '.join(names)}: dropped"))
            return
        with tempfile.TemporaryDirectory() as folder:
            target, work = Path(folder) / "trial", WorkFolder(Path(folder) / "work")
            with open_trial(self.path, target, work, self._plan, source) as trial:
                result = trial.run()
        self._notes.extend(result.notes)
        self._tried = result.extras

    def set_time_range(self, begin: Fraction | None, *, until_last_frame: bool) -> None:
        self._times.set_range(begin, until_last_frame)

    def start(self, description: Mapping[str, Any] | None = None) -> list[str]:
        return []

    def cut(self, save: Save | None = None) -> None:
        return

    def _write(self, frame: Frame) -> None:
        muxer = self._muxer or self._open_muxer()
        picture = picture_of(frame, self._source, self._plan)
        pts, self._end = self._times.stamp(frame, self._notes)
        picture.pts, picture.time_base = pts, self._plan.time_base
        picture.duration = self._end - pts
        with self._pipe.explained():
            self._mux_extras(float(pts * self._plan.time_base))
            muxer.mux(self._encoder.encode(picture))
        self.frames += 1

    def _open_muxer(self) -> av.container.OutputContainer:
        options = {"fflags": "+bitexact+flush_packets", **dict(self._plan.container.options)}
        muxer = av.open(self._pipe, "w", format=self._plan.container.muxer, container_options=options)
        self._muxer = muxer
        self._encoder = add_encoder(muxer, self._plan, self._plan.time_base)
        self._extras: Packets = iter(())
        self._extra_streams: list[ExtraStream] = []
        self._waiting: tuple[float, av.Packet | None] | None = None
        if self._tried:
            self._extras = self._open_extras(muxer)
        if is_stream(self._source.path):
            # Everything that reads it is open: what all have passed need not be kept.
            with held_stream(self._source.path) as stream:
                stream.keep_no_more()
        return muxer

    def _open_extras(self, muxer: av.container.OutputContainer) -> Packets:
        source, tried = self._source, self._tried
        original = self._stack.enter_context(open_input(source.path))
        video = original.streams[source.stream_index]
        assert isinstance(video, av.VideoStream)
        window = replace(self._times.window(0, self._notes), end=None)
        if TAGS in tried:
            muxer.metadata.update(content_tags(original.metadata))
            self._encoder.metadata.update(content_tags(video.metadata))
        extra = add_extra_streams(muxer, original, self._plan.container, source, window, tried)
        if self._plan.container.is_matroska:
            _add_aac_headers(extra, source)
        if CHAPTERS in tried:
            copy_chapters(muxer, original, window)
        by_index = {stream.source.index: stream for stream in extra}
        sources = [stream.source for stream in extra]
        self._extra_streams = extra

        def packets() -> Packets:
            latest = -math.inf
            try:
                # With the video, so that a sparse stream is not searched for its next packet.
                for packet in continued_packets(original, video, sources, video_too=True):
                    if packet.dts is not None and packet.time_base:
                        latest = max(latest, float(packet.dts * packet.time_base - window.shift))
                    stream = by_index.get(packet.stream.index)  # an empty one has no stream_index
                    if stream is None:
                        yield latest, None
                        continue
                    for ready in stream.feed(packet):
                        yield latest, ready
            except av.FFmpegError as error:
                self._notes.add(
                    dropped(
                        "audio and subtitles end early: the source cannot be read further "
                        f"({reason_of(error)})"
                    )
                )
            self._extra_streams = []

        return packets() if extra else iter(())

    def _mux_extras(self, until: float) -> None:
        """Write the packets of the other streams up to a time in seconds."""
        muxer = self._muxer
        assert muxer is not None
        while True:
            time, packet = self._waiting or next(self._extras, (math.inf, None))
            self._waiting = None
            if time > until or time == math.inf:
                self._waiting = (time, packet)
                return
            if packet is not None:
                muxer.mux_one(packet)

    def _finish(self, cut_short: bool) -> Path:
        muxer = self._muxer
        if muxer is None:
            raise self._no_frames()
        if cut_short:
            self._times.end_with_last_frame()
        last = self._times.window(self._end, self._notes).end
        with self._pipe.explained():
            muxer.mux(self._encoder.encode(None))
            streams = self._extra_streams
            self._mux_extras(
                sys.float_info.max if last is None else float(self._end * self._plan.time_base)
            )
            # The rest of a long source is not needed, but what the encoders still hold is.
            for stream in self._extra_streams:
                for ready in stream.feed(flush_packet(stream.source)):
                    muxer.mux_one(ready)
            muxer.close()
        for stream in streams:
            self._notes.extend(stream.notes)
        self._muxer = None
        self._close()
        return self.path

    def abort(self) -> None:
        """Close the pipe; what is not written yet is dropped."""
        self._pipe.discard()
        muxer, self._muxer = self._muxer, None
        if muxer is not None:
            with contextlib.suppress(av.FFmpegError, OSError, ValueError):
                muxer.close()
        self._close()

    def _close(self) -> None:
        self._stack.close()
        self._pipe.close()
        self._output.done = True


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
