"""Streams beside the video that are decoded and encoded again, because the container does not take them."""

from __future__ import annotations

from collections.abc import Iterator

import av
from av.subtitles.codeccontext import SubtitleCodecContext

from vst.media.encode.audio_frames import AudioClock, UniformAudio
from vst.media.encode.time_window import TimeWindow
from vst.media.file_errors import reason_of
from vst.media.notes import Notes, dropped


class ConvertedAudio:
    """An audio stream in another codec.

    Args:
        source: The stream of the source.
        output: The stream of the output, with its encoder.
        window: The part of the source's time that is in the output.
    """

    def __init__(self, source: av.AudioStream, output: av.AudioStream, window: TimeWindow) -> None:
        self.source: av.stream.Stream = source
        self.notes = Notes()
        self._decoder = source
        self._output = output
        self._window = window
        self._errors = 0
        self._decodes = False
        self._uniform = UniformAudio()
        self._clock = AudioClock()

    def feed(self, packet: av.Packet) -> Iterator[av.Packet]:
        if not packet.size and packet.pts is not None:
            return  # An empty packet within the stream would end the decoder.
        try:
            frames = self._decoder.decode(packet if packet.size else None)
        except av.EOFError:
            frames = []
        except av.FFmpegError:
            self._errors += 1
            frames = []
        for decoded in self._uniform.feed(frames, last=not packet.size):
            self._decodes = True
            frame = self._window.trim(decoded)
            if frame is None:
                continue
            self._clock.set(frame, self._window.shift)
            yield from self._output.encode(frame)
        if not packet.size:
            if self._errors and not self._decodes:
                raise ValueError(f"audio stream {self.source.index} cannot be decoded")
            yield from self._output.encode(None)
            if self._errors:
                self.notes.add(
                    dropped(f"audio stream {self.source.index}: {self._errors} damaged packets are dropped")
                )


class ConvertedSubtitles:
    """A text subtitle stream in the container's own text format.

    Args:
        source: The stream of the source.
        output: The stream of the output.
        decoder: The source's decoder.
        encoder: The output's encoder.
        window: The part of the source's time that is in the output.
    """

    def __init__(
        self,
        source: av.stream.Stream,
        output: av.stream.Stream,
        decoder: SubtitleCodecContext,
        encoder: SubtitleCodecContext,
        window: TimeWindow,
    ) -> None:
        self.source: av.stream.Stream = source
        self.notes = Notes()
        self._output = output
        self._decoder = decoder
        self._encoder = encoder
        self._window = window

    def feed(self, packet: av.Packet) -> Iterator[av.Packet]:
        if not packet.size or packet.pts is None:
            return
        unit = packet.time_base
        part = self._window.clipped(packet.pts * unit, (packet.duration or 0) * unit)
        if part is None:
            return
        try:
            subtitle = self._decoder.decode2(packet)
            if subtitle is None:
                return
            ready = self._encoder.encode_subtitle(subtitle)
        except (av.FFmpegError, ValueError) as error:
            self.notes.add(
                dropped(
                    f"subtitle stream {self.source.index}: some lines cannot be converted and are dropped "
                    f"({reason_of(error)})"
                )
            )
            return
        ready.time_base = unit
        ready.pts = ready.dts = round((part[0] - self._window.shift) / unit)
        ready.duration = round(part[1] / unit)
        ready.stream = self._output
        yield ready
