"""Sound and subtitles: copied where the container takes them, else converted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Protocol

import av
import av.codec
from av.subtitles.codeccontext import SubtitleCodecContext

from vst.media.encode.codecs import Container
from vst.media.encode.window import WHOLE, Window
from vst.media.probe.clip import ClipInfo
from vst.media.probe.containers import open_input, packets_of, reason_of

TRIAL_PACKETS = 3
"""So many packets of a stream are muxed on trial."""

TRIAL_SCAN = 3000
"""So many packets of the source are read at most to find them."""

BITRATE_PER_CHANNEL = 96_000
"""Of sound that has to be converted."""

COVERS = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png")}
"""Codec of a cover picture -> extension and media type."""

TEXT_SUBTITLES = {"subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text"}


class Companion(Protocol):
    """One stream of the source on its way into the output."""

    notes: list[str]

    @property
    def stream(self) -> av.stream.Stream:
        """The stream of the source."""
        ...

    def feed(self, packet: av.Packet) -> Iterator[av.Packet]:
        """Take a packet of the source (an empty one at the end), give packets for the output."""
        ...


class Copied:
    """A stream whose packets are passed on as they are."""

    def __init__(self, stream: av.stream.Stream, output: av.stream.Stream, window: Window) -> None:
        self.stream: av.stream.Stream = stream
        self.notes: list[str] = []
        self._output = output
        self._window = window
        self._last: int | None = None

    def feed(self, packet: av.Packet) -> Iterator[av.Packet]:
        if not packet.size:
            return
        if packet.dts is None:
            packet.dts = packet.pts
        if packet.pts is None:
            packet.pts = packet.dts
        if packet.dts is None or packet.pts is None:
            self._complain("packets without a time are dropped")
            return
        if packet.time_base and not self._fit(packet):
            return
        if self._last is not None and packet.dts <= self._last:
            self._complain("packets timed out of order are set right after the one before")
            packet.dts = self._last + 1
            packet.pts = max(packet.pts, packet.dts)
        self._last = packet.dts
        packet.stream = self._output
        yield packet

    def _fit(self, packet: av.Packet) -> bool:
        """Bring a packet to the output's time, a subtitle shortened to what is shown; False to drop it."""
        assert packet.pts is not None
        assert packet.dts is not None
        unit = packet.time_base
        if self.stream.type == "subtitle" and packet.duration:
            part = self._window.clipped(packet.pts * unit, packet.duration * unit)
            if part is None:
                return False
            packet.dts += round(part[0] / unit) - packet.pts
            packet.pts, packet.duration = round(part[0] / unit), round(part[1] / unit)
        elif not self._window.covers(packet.pts * unit):
            return False
        shift = round(self._window.shift / unit)
        packet.pts -= shift
        packet.dts -= shift
        return True

    def _complain(self, what: str) -> None:
        text = f"{self.stream.type} stream {self.stream.index}: {what}"
        if text not in self.notes:
            self.notes.append(text)


class Cover(Copied):
    """A cover picture: one packet, at the beginning."""

    def feed(self, packet: av.Packet) -> Iterator[av.Packet]:
        if packet.size and self._last is None:
            packet.pts = packet.dts = self._last = 0
            packet.stream = self._output
            yield packet


class ConvertedSound:
    """A sound stream that the container refuses, decoded and encoded again."""

    def __init__(self, stream: av.AudioStream, output: av.AudioStream, window: Window) -> None:
        self.stream: av.stream.Stream = stream
        self.notes: list[str] = []
        self._output = output
        self._window = window
        self._input = stream
        self._errors = 0

    def feed(self, packet: av.Packet) -> Iterator[av.Packet]:
        try:
            frames = self._input.decode(packet if packet.size else None)
        except av.EOFError:
            frames = []
        except av.FFmpegError:
            self._errors += 1
            frames = []
        for decoded in frames:
            frame = self._window.trim(decoded)
            if frame is None:
                continue
            if frame.pts is not None and frame.time_base and self._window.shift:
                frame.pts -= round(self._window.shift / frame.time_base)
            yield from self._output.encode(frame)
        if not packet.size:
            yield from self._output.encode(None)
            if self._errors:
                self.notes.append(
                    f"sound stream {self.stream.index}: {self._errors} damaged packets are left out"
                )


class ConvertedText:
    """A text subtitle stream in the container's own text format."""

    def __init__(
        self,
        stream: av.stream.Stream,
        output: av.stream.Stream,
        decoder: SubtitleCodecContext,
        encoder: SubtitleCodecContext,
        window: Window,
    ) -> None:
        self.stream: av.stream.Stream = stream
        self.notes: list[str] = []
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
            text = (
                f"subtitle stream {self.stream.index}: some lines cannot be converted ({reason_of(error)})"
            )
            if text not in self.notes:
                self.notes.append(text)
            return
        ready.time_base = unit
        ready.pts = ready.dts = round((part[0] - self._window.shift) / unit)
        ready.duration = round(part[1] / unit)
        ready.stream = self._output
        yield ready


def _trial_packets(source: ClipInfo) -> dict[int, list[bytes]]:
    """Which streams other than the video the container accepts is tried with their first packets."""
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
                    if len(kept) < TRIAL_PACKETS:
                        kept.append(bytes(packet))
                enough = all(len(found.get(index, ())) == TRIAL_PACKETS for index in wanted)
                if enough or count >= TRIAL_SCAN:
                    break
        except av.FFmpegError:
            return found
    return found


def _accepts(container: Container, stream: av.stream.Stream, payloads: list[bytes]) -> bool:
    """Whether the container takes this stream as it is: write its header and a few packets to nowhere."""
    try:
        with av.open(io.BytesIO(), "w", format=container.muxer) as trial:
            output = trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
            for number, payload in enumerate(payloads):
                packet = av.Packet(payload)
                packet.time_base = stream.time_base or Fraction(1, 1000)
                packet.pts = packet.dts = number * 4096
                packet.duration = 4096
                packet.stream = output
                trial.mux_one(packet)
    except (av.FFmpegError, ValueError):
        return False
    return True


def choose_companions(
    output: av.container.OutputContainer,
    original: av.container.InputContainer,
    container: Container,
    source: ClipInfo,
    window: Window,
    notes: list[str],
) -> list[Companion]:
    """Add a stream to the output for every one of the source that can go along; notes say what changes."""
    payloads = _trial_packets(source)
    companions: list[Companion] = []
    for stream in original.streams:
        if stream.index == source.stream_index:
            continue
        what = f"{stream.type} stream {stream.index}"
        companion: Companion | None = None
        if isinstance(stream, av.AudioStream):
            companion = _sound(output, stream, container, payloads.get(stream.index, []), window, notes)
        elif stream.type == "subtitle":
            companion = _text(output, stream, container, payloads.get(stream.index, []), window, notes)
        elif stream.type == "attachment" and container.muxer == "matroska":
            output.add_stream_from_template(stream)
            continue
        elif stream.type == "video" and stream.disposition & av.stream.Disposition.attached_pic:
            companion = _cover(output, source, stream, container, notes)
        elif stream.type == "video":
            notes.append(f"second video (stream {stream.index}) is dropped")
        elif not (stream.type == "data" and (source.chapters or _has_timecode(stream))):
            notes.append(f"{what} is dropped: it is neither picture, sound nor subtitles")
        if companion is not None:
            companions.append(companion)
    return companions


def _has_timecode(stream: av.stream.Stream) -> bool:
    return any(key.lower() == "timecode" for key in stream.metadata)


def _cover(
    output: av.container.OutputContainer,
    source: ClipInfo,
    stream: av.stream.Stream,
    container: Container,
    notes: list[str],
) -> Companion | None:
    """A cover picture: a stream in MP4, an attachment in Matroska, nothing elsewhere."""
    codec = stream.codec_context.name if stream.codec_context else ""
    if codec not in COVERS or container.muxer not in ("mp4", "matroska"):
        notes.append(
            f"cover picture (stream {stream.index}) is dropped: .{container.name} does not take it"
        )
        return None
    if container.muxer == "mp4":
        copy = output.add_stream_from_template(stream, opaque=True)
        copy.disposition = av.stream.Disposition.attached_pic
        return Cover(stream, copy, WHOLE)
    suffix, kind = COVERS[codec]
    name = stream.metadata.get("filename", stream.metadata.get("FILENAME", f"cover.{suffix}"))
    # Read apart, because the sound must not lose its place.
    with open_input(source.path) as again:
        packet = next((each for each in again.demux(again.streams[stream.index]) if each.size), None)
        if packet is not None:
            output.add_attachment(name, kind, bytes(packet))
    return None


def _label(output: av.stream.Stream, stream: av.stream.Stream) -> None:
    """Language, title and role go along."""
    for key, value in stream.metadata.items():
        if key.lower() in ("language", "title", "handler_name", "name", "comment"):
            output.metadata[key] = value
    output.disposition = stream.disposition


def _sound(
    output: av.container.OutputContainer,
    stream: av.AudioStream,
    container: Container,
    payloads: list[bytes],
    window: Window,
    notes: list[str],
) -> Companion | None:
    context = stream.codec_context
    if context is None:
        notes.append(f"sound stream {stream.index} is dropped: its codec is unknown")
        return None
    if not payloads:
        notes.append(f"sound stream {stream.index} is dropped: it is empty")
        return None
    if _accepts(container, stream, payloads):
        copy = output.add_stream_from_template(stream, opaque=True)
        _label(copy, stream)
        return Copied(stream, copy, window)
    codec = av.codec.Codec(container.audio, "w")
    rates = codec.audio_rates or []
    rate = context.sample_rate
    if rates and rate not in rates:
        rate = 48000 if 48000 in rates else max(rates)
    if container.audio == "libopus":
        rate = 48000
    layout = context.layout.name if context.channels <= 2 or container.audio == "aac" else "stereo"
    converted = output.add_stream(container.audio, rate=rate)
    assert isinstance(converted, av.AudioStream)
    converted.codec_context.layout = layout
    converted.codec_context.bit_rate = BITRATE_PER_CHANNEL * min(
        context.channels, len(converted.layout.channels)
    )
    _label(converted, stream)
    name = container.audio.removeprefix("lib").removesuffix("lame")
    notes.append(
        f"sound stream {stream.index} ({context.codec.canonical_name}) is converted to {name}: "
        f".{container.name} does not take it"
    )
    return ConvertedSound(stream, converted, window)


def _text(
    output: av.container.OutputContainer,
    stream: av.stream.Stream,
    container: Container,
    payloads: list[bytes],
    window: Window,
    notes: list[str],
) -> Companion | None:
    context = stream.codec_context
    name = context.codec.canonical_name if context is not None else "unknown"
    if context is not None and _accepts(container, stream, payloads):
        copy = output.add_stream_from_template(stream, opaque=True)
        _label(copy, stream)
        return Copied(stream, copy, window)
    if context is None or container.subtitles is None or name not in TEXT_SUBTITLES:
        notes.append(
            f"subtitle stream {stream.index} ({name}) is dropped: .{container.name} does not take it"
        )
        return None
    assert isinstance(context, SubtitleCodecContext)
    context.open(strict=False)
    converted = output.add_stream(container.subtitles)
    encoder = converted.codec_context
    assert isinstance(encoder, SubtitleCodecContext)
    encoder.subtitle_header = context.subtitle_header
    encoder.time_base = Fraction(1, 1000)
    _label(converted, stream)
    notes.append(f"subtitle stream {stream.index} ({name}) is converted to {container.subtitles}")
    return ConvertedText(stream, converted, context, encoder, window)
