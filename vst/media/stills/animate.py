"""Encoding animated GIF, PNG and WebP by libav, one frame at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import av.filter

from vst.media.colour.layout import layout_of
from vst.media.libav import url_of

PALETTE_FRAMES = 500
"""The most frames of a clip that a GIF's palette is made from, evenly spread."""

_ENDLESS = 0
_PALETTE_UNIT = Fraction(1, 25)

Frames = Callable[[], Iterator[av.VideoFrame]]
"""The frames of an animation in RGB, from the beginning each time it is called."""


@dataclass(frozen=True, slots=True)
class AnimationFormat:
    """One format of animated pictures that can be written.

    Attributes:
        name: The value of ``--codec``.
        kind: The picture format, a value of `vst.media.stills.write.STILL_SUFFIXES`.
        suffixes: Extensions of its files. ``.png`` is a picture unless the source is animated.
        muxer: libav's name of the muxer.
        encoder: libav's name of the encoder.
        unit: The unit of its delays in seconds; None for any.
        shortest: The shortest delay that is shown as stated, in seconds.
        longest: The longest delay, in seconds.
        default_crf: Default of ``--crf``, from 0 (lossless) to 100; None for a format that is lossless or
            has a palette.
    """

    name: str
    kind: str
    suffixes: tuple[str, ...]
    muxer: str
    encoder: str
    unit: Fraction | None
    shortest: Fraction
    longest: Fraction
    default_crf: int | None = None


ANIMATIONS = {
    each.name: each
    for each in (
        AnimationFormat(
            "gif", "GIF", (".gif",), "gif", "gif", Fraction(1, 100), Fraction(2, 100), Fraction(65535, 100)
        ),
        AnimationFormat(
            "apng", "PNG", (".apng", ".png"), "apng", "apng", None, Fraction(0), Fraction(65535)
        ),
        AnimationFormat(
            "webp",
            "WEBP",
            (".webp",),
            "webp",
            "libwebp_anim",
            Fraction(1, 1000),
            Fraction(1, 1000),
            Fraction(16_777_215, 1000),
            15,
        ),
    )
}
"""Value of ``--codec`` -> format."""

ANIMATION_SUFFIXES = {".gif", ".apng", ".webp"}
"""Extensions by which any clip becomes an animated picture."""

WORST_CRF = 100


@dataclass(frozen=True, slots=True)
class Timing:
    """When the frames of an animation are shown.

    Attributes:
        unit: Seconds of a tick.
        ticks: For each frame its first tick; None for a frame that is left out.
        end: The tick at which the last frame ends.
        plays: How often the animation is shown; 0 is for ever.
    """

    unit: Fraction
    ticks: tuple[int | None, ...]
    end: int
    plays: int = _ENDLESS

    @property
    def left_out(self) -> int:
        """Number of frames that are left out."""
        return self.ticks.count(None)

    @property
    def last(self) -> int:
        """The first tick of the last frame."""
        return max(tick for tick in self.ticks if tick is not None)


def plan_timing(format_: AnimationFormat, times: list[Fraction], end: Fraction, plays: int) -> Timing:
    """The timing of an animation: each time is rounded on its own, so rounding errors do not add up.

    A frame that would follow the one before sooner than the format can show is left out.

    Args:
        format_: The format.
        times: The time of each frame in seconds, increasing.
        end: The end of the last frame in seconds.
        plays: How often the animation is shown; 0 is for ever.
    """
    unit = format_.unit or _common_unit(times, end)
    ticks: list[int | None] = []
    last: Fraction | None = None
    for time in times:
        if last is not None and time - last < max(format_.shortest, unit / 2):
            ticks.append(None)
        else:
            ticks.append(round((time - times[0]) / unit))
            last = time
    shown = [tick for tick in ticks if tick is not None]
    shortest = -(-format_.shortest // unit)
    return Timing(
        unit, tuple(ticks), max(round((end - times[0]) / unit), shown[-1] + max(shortest, 1)), plays
    )


def _common_unit(times: list[Fraction], end: Fraction) -> Fraction:
    """A unit that all times are multiples of, if it is not finer than libav's timestamps of MPEG."""
    unit = Fraction(1, 1)
    for time in (*times, end):
        steps = (time - times[0]) / unit
        if steps.denominator > 1:
            unit /= steps.denominator
        if unit < Fraction(1, 90_000):
            return Fraction(1, 90_000)
    return unit


def write_animation(
    path: Path,
    format_: AnimationFormat,
    frames: Frames,
    timing: Timing,
    size: tuple[int, int],
    pix_fmt: str,
    crf: int | None = None,
) -> None:
    """Encode an animation.

    Args:
        path: The file.
        format_: Its format.
        frames: The frames; called twice for GIF, whose palette is made from all frames first.
        timing: When they are shown.
        size: Width and height.
        pix_fmt: libav's name of the RGB format of the frames.
        crf: Quality of WebP: 0 is lossless, 100 the worst.

    Raises:
        av.FFmpegError: If it cannot be encoded.
        OSError: If it cannot be written.
    """
    muxing, options = _options(format_, timing, crf)
    layout = layout_of(pix_fmt)
    encoded = "pal8" if format_.name == "gif" else "bgra"
    if format_.name == "apng":
        encoded = ("rgba" if layout.alpha else "rgb24", "rgba64be" if layout.alpha else "rgb48be")[
            layout.bits > 8
        ]
    pictures = frames()
    if format_.name == "gif":
        stride = -(-len(timing.ticks) // PALETTE_FRAMES)
        palette = _palette(frames, stride, size, pix_fmt, layout.alpha)
        pictures = _with_palette(pictures, palette, size, pix_fmt)
    with av.open(
        url_of(path), "w", format=format_.muxer, container_options={"fflags": "+bitexact", **muxing}
    ) as out:
        stream = out.add_stream(format_.encoder, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, encoded
        stream.codec_context.time_base = stream.time_base = timing.unit
        stream.codec_context.framerate = Fraction(25)
        stream.codec_context.thread_count = 1
        for tick, picture in _repeated(pictures, timing, int(format_.longest / timing.unit)):
            frame = picture if encoded == "pal8" else picture.reformat(format=encoded)
            frame.pts, frame.time_base = tick, timing.unit
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    if format_.name == "webp":
        _set_last_delay(path, timing.end - timing.last)


def _options(
    format_: AnimationFormat, timing: Timing, crf: int | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Options of the muxer and of the encoder."""
    rest = timing.end - timing.last
    if format_.name == "gif":
        # GIF counts repetitions; no extension at all is one play.
        loop = {_ENDLESS: 0, 1: -1}.get(timing.plays, timing.plays - 1)
        return {"loop": str(min(loop, 65535)), "final_delay": str(min(rest, 65535))}, {}
    if format_.name == "apng":
        delay = (rest * timing.unit).limit_denominator(65535)
        return {"plays": str(min(timing.plays, 65535)), "final_delay": str(delay)}, {}
    if crf == 0:
        return {"loop": str(min(timing.plays, 65535))}, {"lossless": "1"}
    return {"loop": str(min(timing.plays, 65535))}, {"quality": str(100 - (crf or 0))}


def _repeated(
    pictures: Iterator[av.VideoFrame], timing: Timing, longest: int
) -> Iterator[tuple[int, av.VideoFrame]]:
    """The frames that are shown, each with its tick; one with a delay above `longest` is repeated."""
    shown = [tick for tick in timing.ticks if tick is not None]
    ends = dict(pairwise((*shown, timing.end)))
    for tick, picture in zip(timing.ticks, pictures, strict=True):
        if tick is not None:
            length = ends[tick] - tick
            times = -(-length // longest)
            for each in range(times):
                yield tick + each * length // times, picture


def _palette(
    frames: Frames, stride: int, size: tuple[int, int], pix_fmt: str, alpha: bool
) -> av.VideoFrame:
    """One palette for the whole clip: colours do not change from frame to frame where the picture does
    not."""
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=size[0], height=size[1], format=av.VideoFormat(pix_fmt), time_base=_PALETTE_UNIT
    )
    generator = graph.add("palettegen", f"reserve_transparent={int(alpha)}:stats_mode=full")
    sink = graph.add("buffersink")
    source.link_to(generator)
    generator.link_to(sink)
    graph.configure()
    for number, frame in enumerate(frames()):
        if number % stride == 0:
            frame.pts, frame.time_base = number, _PALETTE_UNIT
            source.push(frame)
            # The filter works when it is asked for a frame; until then the graph keeps what was pushed.
            _pulled(sink)
    source.push(None)
    palette = sink.pull()
    assert isinstance(palette, av.VideoFrame)
    return palette


def _with_palette(
    frames: Iterator[av.VideoFrame], palette: av.VideoFrame, size: tuple[int, int], pix_fmt: str
) -> Iterator[av.VideoFrame]:
    """Frames with the colours of a palette: each pixel its nearest, without dithering.

    Error diffusion would flicker, because a small change of one pixel moves the pattern of all that follow.
    """
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=size[0], height=size[1], format=av.VideoFormat(pix_fmt), time_base=_PALETTE_UNIT
    )
    colours = graph.add_buffer(
        width=palette.width, height=palette.height, format=palette.format, time_base=_PALETTE_UNIT
    )
    mapping = graph.add("paletteuse", "dither=none")
    sink = graph.add("buffersink")
    source.link_to(mapping, 0, 0)
    colours.link_to(mapping, 0, 1)
    mapping.link_to(sink)
    graph.configure()
    palette.pts, palette.time_base = 0, _PALETTE_UNIT
    colours.push(palette)
    colours.push(None)
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number, _PALETTE_UNIT
        source.push(frame)
        while (ready := _pulled(sink)) is not None:
            yield ready
    source.push(None)
    while (ready := _pulled(sink)) is not None:
        yield ready


def _pulled(sink: av.filter.context.FilterContext) -> av.VideoFrame | None:
    try:
        frame = sink.pull()
    except (av.BlockingIOError, av.EOFError):
        return None
    assert isinstance(frame, av.VideoFrame)
    return frame


def _set_last_delay(path: Path, milliseconds: int) -> None:
    """Write the delay of the last frame of a WebP, which libwebp makes the average of the others."""
    with path.open("r+b") as file:
        position, last = 12, None
        file.seek(position)
        while len(header := file.read(8)) == 8:
            if header[:4] == b"ANMF":
                last = position
            size = int.from_bytes(header[4:], "little")
            position += 8 + size + size % 2
            file.seek(position)
        if last is not None:
            file.seek(last + 8 + 12)
            file.write(milliseconds.to_bytes(3, "little"))
