"""Clips of the farm benchmarks, with sound: with cuts, of variable rate, of one long shot."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av

SHOT = 20
"""Frames of a shot of the clip with cuts."""

_UNIT = Fraction(1, 1000)


def cut_clip(sources: Path, path: Path, height: int) -> Path:
    """Four shots of 20 frames, with the sound of one source."""
    begins = {"cutbunny": 0, "car": 60, "bigbuckbunny": 0, "dancer": 60}
    pieces = [_frames(sources / f"{name}.mp4", first) for name, first in begins.items()]
    frames = itertools.chain.from_iterable(itertools.islice(piece, SHOT) for piece in pieces)
    return _write(path, frames, height, (Fraction(n, 25) for n in itertools.count()), sources / "car.mp4")


def variable_clip(sources: Path, path: Path, height: int) -> Path:
    """60 frames of one shot that are shown ever longer, with sound."""
    source = sources / "bigbuckbunny.mp4"
    times = (Fraction(n * n + 200 * n, 8000) for n in itertools.count())
    return _write(path, itertools.islice(_frames(source), 60), height, times, source)


def long_clip(sources: Path, path: Path, height: int) -> Path:
    """300 frames of one shot, forwards and backwards, with sound."""
    source = sources / "car.mp4"
    forwards = list(_frames(source))
    frames = itertools.islice(itertools.chain(forwards, reversed(forwards)), 300)
    return _write(path, frames, height, (Fraction(n, 25) for n in itertools.count()), source)


def shots_clip(sources: Path, path: Path, height: int) -> Path:
    """Five shots of 30 to 260 frames, with sound: the longest has two segments."""
    car = list(_frames(sources / "car.mp4", 10))
    pieces = [
        car[:260],
        *(
            list(itertools.islice(_frames(sources / f"{name}.mp4", first), count))
            for name, first, count in (
                ("dancer", 0, 60),
                ("cutbunny", 0, 50),
                ("bigbuckbunny", 0, 40),
                ("dancer", 180, 30),
            )
        ),
    ]
    times = (Fraction(n, 25) for n in itertools.count())
    return _write(path, itertools.chain.from_iterable(pieces), height, times, sources / "car.mp4")


CLIPS: dict[str, Callable[[Path, Path, int], Path]] = {
    "cuts.mp4": cut_clip,
    "variable.mkv": variable_clip,
    "long.mp4": long_clip,
}
"""By name of the file: what writes it, from a folder of sources, at a height in pixels."""


def _frames(clip: Path, first: int = 0) -> Iterator[av.VideoFrame]:
    with av.open(str(clip)) as source:
        yield from itertools.islice(source.decode(video=0), first, None)


def _write(
    path: Path, frames: Iterable[av.VideoFrame], height: int, times: Iterable[Fraction], sound: Path
) -> Path:
    """Write frames, all of the size of the first, and the sound of another clip."""
    with av.open(str(path), "w") as out, av.open(str(sound)) as heard:
        video = out.add_stream("libx264", rate=25, options={"crf": "16", "g": "50"})
        audio = out.add_stream_from_template(heard.streams.audio[0])
        video.codec_context.time_base = _UNIT
        width = 0
        for frame, time in zip(frames, times, strict=False):
            if not width:
                width = round(frame.width * height / frame.height / 2) * 2
                video.width, video.height, video.pix_fmt = width, height, "yuv420p"
            smaller = frame.reformat(width, height, "yuv420p")
            smaller.pts, smaller.time_base = round(time / _UNIT), _UNIT
            smaller.pict_type = 0  # else the source's keyframes are keyframes here
            out.mux(video.encode(smaller))
        out.mux(video.encode(None))
        for packet in heard.demux(audio=0):
            if packet.size:
                packet.stream = audio
                out.mux(packet)
    return path
