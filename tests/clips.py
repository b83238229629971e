"""Tiny clips, made by the tests that use them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SHARED = Path(__file__).parents[2] / "shared" / "data"


@dataclass(frozen=True)
class Sound:
    """A stream of sound to go with a clip."""

    codec: str = "aac"
    start: Fraction = Fraction(0)
    seconds: float = 1.0
    rate: int = 48000
    language: str | None = None


def pattern(width: int, height: int, number: int, planes: int = 3) -> np.ndarray:
    """A moving picture with edges and ramps, planes × height × width, 0..1."""
    y, x = np.mgrid[0:height, 0:width]
    ramp = (x * 3 + y * 2 + number * 5) % 97 / 96
    checks = ((x // 5 + y // 4 + number) % 2) * 0.5
    return np.stack([(ramp * (0.5 + plane / 8) + checks) / 1.6 % 1.0 for plane in range(planes)])


def yuv_frame(
    width: int, height: int, number: int, pix_fmt: str = "yuv420p", top: int = 255
) -> av.VideoFrame:
    """A frame whose code values cover 0..top, overshoots of limited range too."""
    frame = av.VideoFrame(width, height, pix_fmt)
    values = pattern(width, height, number, len(frame.planes))
    for index, plane in enumerate(frame.planes):
        dtype = np.dtype("<u2" if top > 255 else "u1")
        rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
        samples = values[index][:: -(-height // plane.height), :: -(-width // plane.width)]
        columns = min(samples.shape[1], rows.shape[1])
        rows[:, :columns] = np.round(samples[:, :columns] * top).astype(dtype)
    return frame


def make_clip(
    path: Path,
    *,
    frames: int = 12,
    width: int = 48,
    height: int = 32,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    top: int = 255,
    rate: Fraction = Fraction(25),
    time_base: Fraction = Fraction(1, 12800),
    times: Sequence[Fraction] | None = None,
    colour: tuple[int, int, int] = (2, 2, 2),
    full_range: bool | None = None,
    sample_aspect: Fraction | None = None,
    rotation: int = 0,
    hflip: bool = False,
    sound: Iterable[Sound] = (),
    subtitles: Sequence[tuple[float, float, str]] = (),
    chapters: Sequence[tuple[float, float, str]] = (),
    tags: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    exact: bool = False,
) -> Path:
    """Write a clip with everything that is asked for; `rotation` is counter-clockwise, as PyAV has it.

    An `exact` one has the same bytes every time.
    """
    options = (
        {"crf": "10", "preset": "ultrafast"} if codec == "libx264" and options is None else options or {}
    )
    muxing = {"movie_timescale": "48000"} if path.suffix == ".mp4" else {}
    if exact:
        muxing["fflags"] = "+bitexact"
    with av.open(str(path), "w", container_options=muxing) as out:
        out.metadata.update(tags or {})
        video = out.add_stream(codec, rate=rate, options=options)
        video.width, video.height, video.pix_fmt = width, height, pix_fmt
        video.codec_context.time_base = time_base
        video.time_base = time_base
        video.codec_context.thread_count = 1
        video.codec_context.colorspace, video.codec_context.color_primaries = colour[0], colour[1]
        video.codec_context.color_trc = colour[2]
        if full_range is not None:
            video.codec_context.color_range = 2 if full_range else 1
        if sample_aspect is not None:
            video.codec_context.sample_aspect_ratio = sample_aspect
        if rotation or hflip:
            video.set_display_rotation(rotation, hflip=hflip)
        voices = []
        for kind in sound:
            voice = out.add_stream(kind.codec, rate=kind.rate)
            voice.codec_context.layout = "mono"
            voice.codec_context.time_base = Fraction(1, kind.rate)
            if kind.language:
                voice.metadata["language"] = kind.language
            voices.append((voice, kind))
        text = None
        if subtitles:
            text = out.add_mux_stream("subrip")
            text.time_base = Fraction(1, 1000)
            text.metadata["language"] = "eng"
        if chapters:
            out.set_chapters(
                [
                    {
                        "id": number + 1,
                        "start": int(start * 1000),
                        "end": int(end * 1000),
                        "time_base": Fraction(1, 1000),
                        "metadata": {"title": title},
                    }
                    for number, (start, end, title) in enumerate(chapters)
                ]
            )
        moments = list(times) if times is not None else [number / rate for number in range(frames)]
        for number, moment in enumerate(moments):
            frame = yuv_frame(width, height, number, pix_fmt, top)
            frame.pts, frame.time_base = round(moment / time_base), time_base
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for voice, kind in voices:
            total = int(kind.seconds * kind.rate)
            for start in range(0, total, 1024):
                wave = np.sin(np.arange(start, start + 1024) * 0.05)
                if kind.codec == "pcm_s16le":
                    samples = av.AudioFrame.from_ndarray((wave * 8000).astype("<i2")[None], "s16", "mono")
                else:
                    samples = av.AudioFrame.from_ndarray((wave * 0.3).astype("<f4")[None], "fltp", "mono")
                samples.sample_rate = kind.rate
                samples.pts, samples.time_base = (
                    start + round(kind.start * kind.rate),
                    Fraction(1, kind.rate),
                )
                out.mux(voice.encode(samples))
            out.mux(voice.encode(None))
        for start, end, words in subtitles:
            packet = av.Packet(words.encode())
            packet.time_base = Fraction(1, 1000)
            packet.pts = packet.dts = int(start * 1000)
            packet.duration = int((end - start) * 1000)
            packet.stream = text
            out.mux(packet)
    return path


def packets(path: Path, kind: str, number: int = 0) -> list[tuple[Fraction, bytes]]:
    """Time and payload of every packet of one stream."""
    with av.open(str(path)) as container:
        stream = [s for s in container.streams if s.type == kind][number]
        return [(p.pts * p.time_base, bytes(p)) for p in container.demux(stream) if p.size]
