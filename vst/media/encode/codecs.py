"""What a clip can be encoded to: one table of codecs, one of containers, and the choice between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.codec
import torch

from vst.errors import UsageError, suggestion
from vst.media.colour.layout import Layout, find_layout, layout_of
from vst.media.colour.spec import ColourSpec, guess_matrix
from vst.media.encode.codec import Codec
from vst.media.encode.hardware_codecs import HARDWARE_CODECS, check_encoder

if TYPE_CHECKING:
    from vst.media.probe.clip import ClipInfo


@dataclass(frozen=True, slots=True)
class Container:
    """One container format that can be written.

    Attributes:
        name: The extension without its dot.
        muxer: libav's name of the muxer.
        exact_time: Timestamps can have the source's own time base; otherwise it is a millisecond.
        carries_range: Full or limited range is written into the container itself.
        audio: The codec that sound is converted to where the container refuses its own.
        subtitles: The text subtitle codec of this container, or None if it has none.
        options: Options for the muxer.
    """

    name: str
    muxer: str
    exact_time: bool
    carries_range: bool
    audio: str
    subtitles: str | None
    options: tuple[tuple[str, str], ...] = ()


CONTAINERS = {
    "mp4": Container("mp4", "mp4", True, False, "aac", "mov_text", (("movflags", "+faststart"),)),
    "m4v": Container("m4v", "mp4", True, False, "aac", "mov_text", (("movflags", "+faststart"),)),
    "mov": Container("mov", "mov", True, False, "aac", "mov_text", (("movflags", "+faststart"),)),
    "mkv": Container("mkv", "matroska", False, True, "aac", "srt", (("avoid_negative_ts", "disabled"),)),
    "webm": Container(
        "webm", "webm", False, True, "libopus", "webvtt", (("avoid_negative_ts", "disabled"),)
    ),
    "avi": Container("avi", "avi", True, False, "libmp3lame", None),
}
"""Extension -> container."""


def _deep_420(source: Layout) -> str:
    return "yuv420p10le" if source.bits > 8 else "yuv420p"


def _has_full_chroma(source: Layout) -> bool:
    return source.is_rgb or (source.kind == "yuv" and (source.sub_x, source.sub_y) == (1, 1))


def _prores(source: Layout) -> str:
    if source.alpha:
        return "yuva444p10le"
    return "yuv444p10le" if _has_full_chroma(source) else "yuv422p10le"


def _dnxhr(source: Layout) -> str:
    if _has_full_chroma(source):
        return "yuv444p10le"
    return "yuv422p10le" if source.bits > 8 else "yuv422p"


def _x264_options(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    options = {"crf": str(crf), "preset": "medium"}
    if torch.backends.cpu.get_cpu_capability() == "AVX512":
        # With AVX-512, x264's macroblock tree reads what happens to lie in memory: the same frames give
        # other packets from run to run (core 165: 12 of 16 runs differed, none without). A CPU that has
        # AVX-512 has all of these; they are as fast.
        options["x264-params"] = "asm=AVX2,FMA3,BMI2,BMI1,LZCNT,SSE4.2,SSSE3,SSE2Fast"
    return options


def _x265_options(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    # x265 prints on its own; frame threads change its decisions, so their number is fixed.
    return {
        "crf": str(crf),
        "preset": "medium",
        "x265-params": f"log-level=none:pools={threads}:frame-threads=1",
    }


def _vp9_options(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    options = {"crf": str(crf), "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"}
    if layout.alpha:
        options["auto-alt-ref"] = "0"
    return options


HDR_BITS = 10
"""Bits a sample that PQ and HLG need at least."""

AVI_TOLERANCE = Fraction(1, 20)
"""Seconds by which sound may be moved in AVI; more than that can be seen on lips."""

CODECS = {
    codec.name: codec
    for codec in (
        Codec(
            "h264",
            "libx264",
            ("mp4", "m4v", "mov", "mkv", "avi"),
            crf=18,
            max_crf=51,
            lossless=False,
            even_420=True,
            full_range="stream",
            options=_x264_options,
            default=lambda source: "yuv420p",
        ),
        Codec(
            "h265",
            "libx265",
            ("mp4", "m4v", "mov", "mkv"),
            crf=20,
            max_crf=51,
            lossless=False,
            even_420=True,
            full_range="stream",
            options=_x265_options,
            default=_deep_420,
            # x265 4.1 corrupts its memory, or encodes differently every time, when a single coding tree
            # unit covers the picture.
            smallest=(72, 72),
        ),
        Codec(
            "av1",
            "libsvtav1",
            ("mp4", "m4v", "mkv", "webm"),
            crf=28,
            max_crf=63,
            lossless=False,
            even_420=True,
            full_range="stream",
            options=lambda crf, threads, layout: {
                "crf": str(crf),
                "preset": "8",
                "svtav1-params": f"lp={threads}",
            },
            default=_deep_420,
        ),
        Codec(
            "vp9",
            "libvpx-vp9",
            ("webm", "mkv", "mp4"),
            crf=24,
            max_crf=63,
            lossless=False,
            even_420=False,
            full_range="stream",
            options=_vp9_options,
            default=lambda source: "yuva420p" if source.alpha else "yuv420p",
        ),
        Codec(
            "prores",
            "prores_ks",
            ("mov", "mkv"),
            crf=None,
            max_crf=0,
            lossless=False,
            even_420=False,
            full_range="never",
            options=lambda crf, threads, layout: {
                "profile": "3" if layout.sub_x == 2 else "4",
                "vendor": "apl0",
            },
            default=_prores,
        ),
        Codec(
            "dnxhr",
            "dnxhd",
            ("mov",),
            crf=None,
            max_crf=0,
            lossless=False,
            even_420=False,
            full_range="stream",
            options=lambda crf, threads, layout: {
                "profile": "dnxhr_444"
                if layout.sub_x == 1
                else "dnxhr_hqx"
                if layout.bits > 8
                else "dnxhr_hq"
            },
            default=_dnxhr,
            smallest=(256, 120),
            # PyAV does not let it into Matroska.
            segments="mov",
        ),
        Codec(
            "ffv1",
            "ffv1",
            ("mkv",),
            crf=None,
            max_crf=0,
            lossless=True,
            even_420=False,
            full_range="container",
            options=lambda crf, threads, layout: {"level": "3", "slices": "4", "slicecrc": "1", "g": "1"},
            default=lambda source: source.name,
        ),
    )
}
"""Name -> codec."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a user asks for; None is the codec's own default.

    Attributes:
        codec: A key of `CODECS` or `HARDWARE_CODECS`; None is what container and clip want, see
            `default_codec`.
        crf: Quality, smaller is better.
        pix_fmt: Pixel format of the output.
    """

    codec: str | None = None
    crf: int | None = None
    pix_fmt: str | None = None


ALPHA_CODECS = {"mov": "prores", "mkv": "vp9", "webm": "vp9"}
"""Extension -> codec for a clip with transparency."""

EDITING_CODECS = {"prores": "prores", "dnxhd": "dnxhr"}
"""libav's name of a source's codec -> codec: what was made for editing is edited on."""

HDR_CODECS = ("h265", "av1", "h264")
"""For HDR that is kept, the first that fits."""


def default_codec(
    output: Path, source: ClipInfo | None = None, width: int = 1 << 14, height: int = 1 << 14
) -> str:
    """The codec for an output of which nobody says it.

    H.264 where the container may hold it, else the first codec that it may hold; but one with alpha for a
    clip with transparency, one of 10 bits for HDR that is kept, and ProRes and DNxHR stay what they are.
    """
    extension = output.suffix.lower().removeprefix(".")
    if source is not None and source.light == "hdr":
        for name in HDR_CODECS:
            codec = CODECS[name]
            fits = width >= codec.smallest[0] and height >= codec.smallest[1]
            if extension in codec.containers and fits:
                return name
    if source is not None and source.has_alpha and extension in ALPHA_CODECS:
        return ALPHA_CODECS[extension]
    if source is not None and (same := EDITING_CODECS.get(source.codec)) is not None:
        smallest = CODECS[same].smallest
        if extension in CODECS[same].containers and width >= smallest[0] and height >= smallest[1]:
            return same
    odd = width % 2 or height % 2
    fitting = [name for name, codec in CODECS.items() if extension in codec.containers]
    # SVT-AV1 has 4:2:0 only.
    fitting = [name for name in fitting if not (odd and name == "av1")] or fitting
    return fitting[0] if fitting and "h264" not in fitting else "h264"


@dataclass(frozen=True, slots=True)
class Plan:
    """An `Encoding` with every choice made.

    Attributes:
        codec: The codec.
        container: The container.
        pix_fmt: Pixel format of the output.
        colour: What the output's samples mean.
        options: Options for the encoder.
        notes: What the choices cost, for the user.
    """

    codec: Codec
    container: Container
    pix_fmt: str
    colour: ColourSpec
    options: dict[str, str]
    notes: tuple[str, ...]


def container_of(path: Path) -> Container:
    """The container that a file name asks for.

    Raises:
        UsageError: If its extension is none that we know.
    """
    container = CONTAINERS.get(path.suffix.lower().lstrip("."))
    if container is None:
        known = ", ".join("." + name for name in CONTAINERS)
        raise UsageError(f"{path.name} has no extension of a video that can be written: use one of {known}")
    return container


def codec_named(name: str) -> Codec:
    """A codec, in software or hardware.

    Raises:
        UsageError: For a name that neither has.
    """
    codec = CODECS.get(name) or HARDWARE_CODECS.get(name)
    if codec is None:
        raise UsageError(f"unknown codec {name!r}: {suggestion(name, (*CODECS, *HARDWARE_CODECS))}")
    return codec


def _writable_formats(codec: Codec) -> list[str]:
    try:
        formats = av.codec.Codec(codec.encoder, "w").video_formats or []
    except av.codec.codec.UnknownCodecError as error:
        raise UsageError(
            f"codec {codec.name} is not in this build of PyAV (no {codec.encoder}): choose another codec"
        ) from error
    if codec.surfaces is not None:
        return list(codec.surfaces)
    return [f.name for f in formats if find_layout(f.name) is not None and not f.name.startswith("yuvj")]


def plan(path: Path, source: ClipInfo, encoding: Encoding, width: int, height: int) -> Plan:
    """Choose container, pixel format, colour and options for an output of width × height.

    Raises:
        UsageError: If codec, pixel format, quality and container do not go together.
        MediaError: If the codec needs hardware that is not there.
    """
    container = container_of(path)
    notes: list[str] = []
    # Who names a pixel format decides about transparency too.
    asked = source if encoding.pix_fmt is None or source.light == "hdr" else None
    name = encoding.codec or default_codec(path, asked, width, height)
    codec = codec_named(name)
    if encoding.codec is None and name != default_codec(path, None, width, height):
        reason = "HDR" if source.light == "hdr" else "transparency" if source.has_alpha else "own codec"
        notes.append(f"{name} is the codec, because of the clip's {reason}; --codec chooses another")
    if container.name not in codec.containers:
        fitting = [name for name, other in CODECS.items() if container.name in other.containers]
        raise UsageError(
            f"codec {codec.name} cannot live in .{container.name}: "
            f"use .{' or .'.join(codec.containers)}, or one of the codecs {', '.join(fitting)}"
        )
    crf = codec.crf
    if encoding.crf is not None:
        if codec.crf is None:
            raise UsageError(f"codec {codec.name} has no quality setting: leave --crf out")
        if not 0 <= encoding.crf <= codec.max_crf:
            raise UsageError(
                f"--crf {encoding.crf} is out of range for {codec.name}: use 0 to {codec.max_crf}"
            )
        crf = encoding.crf
    if width < codec.smallest[0] or height < codec.smallest[1]:
        raise UsageError(
            f"codec {codec.name} needs at least {codec.smallest[0]}×{codec.smallest[1]} pixels, "
            f"got {width}×{height}: choose h264"
        )
    formats = _writable_formats(codec)
    if container.muxer == "avi":
        _check_avi_sound(source, notes)
    source_layout = layout_of(source.pix_fmt)
    odd = width % 2 != 0 or height % 2 != 0
    if encoding.pix_fmt is not None:
        pix_fmt = encoding.pix_fmt
        if pix_fmt not in formats:
            raise UsageError(
                f"codec {codec.name} cannot hold {pix_fmt}: choose one of {', '.join(formats)}"
            )
    elif codec.lossless:
        pix_fmt = _lossless_format(source, source_layout, formats, notes)
    else:
        pix_fmt = codec.default(source_layout)
        if source.light == "hdr" and layout_of(pix_fmt).bits < HDR_BITS:
            pix_fmt = next((name for name in formats if name == pix_fmt + "10le"), pix_fmt)
        if odd and codec.even_420:
            whole = pix_fmt.replace("420", "444")
            if whole in formats:
                pix_fmt = whole
                notes.append(
                    f"a side of {width}×{height} is odd, which {codec.name} cannot hold in 4:2:0: {whole}"
                )
    layout = layout_of(pix_fmt)
    if codec.even_420 and ((layout.sub_x > 1 and width % 2) or (layout.sub_y > 1 and height % 2)):
        even = [name for name in formats if "444" in name]
        advice = f"choose {even[0]}" if even else "choose codec h264, h265, vp9 or ffv1"
        raise UsageError(
            f"{codec.name} cannot hold {width}×{height} as {pix_fmt} (a side is odd): {advice}"
        )
    if source.light == "hdr" and layout.bits < HDR_BITS:
        raise UsageError(
            f"{codec.name} as {pix_fmt} has {layout.bits} bits a sample, and HDR needs {HDR_BITS}: "
            "choose --codec h265, av1, prores or ffv1, or --hdr tonemap"
        )
    colour = _output_colour(source, layout, codec, container, height, notes)
    if source_layout.kind == layout.kind == "yuv" and layout.chroma < source_layout.chroma:
        notes.append(
            f"colour resolution {source_layout.chroma} becomes {layout.chroma}; --pix-fmt chooses another"
        )
    if layout.bits < source_layout.bits and not (
        layout.is_rgb and layout.bits >= 8 and source_layout.bits <= 8
    ):
        notes.append(
            f"{source_layout.bits} bits a sample become {layout.bits}; --pix-fmt or --codec keep more"
        )
    if source.has_alpha and not layout.alpha:
        notes.append(f"transparency is dropped: {codec.name} as {pix_fmt} has none")
    options = codec.options(crf, 2, layout)
    if source.light == "hdr" and source.mastering is not None:
        if codec.name == "h265":
            options["x265-params"] = ":".join((options["x265-params"], *source.mastering.x265_params))
        elif codec.name == "av1":
            options["svtav1-params"] = ":".join((options["svtav1-params"], *source.mastering.svtav1_params))
        else:
            notes.append(
                f"what HDR10 says of its mastering display is dropped: {codec.name} does not get it"
            )
    if source.profile:
        notes.append("the colour profile is dropped: a video has none; colours are taken for sRGB")
    if codec.needs:
        check_encoder(codec, pix_fmt, options, width, height)
    return Plan(codec, container, pix_fmt, colour, options, tuple(notes))


def _check_avi_sound(source: ClipInfo, notes: list[str]) -> None:
    """AVI has no start times: sound begins at 0, so what does not would lose its step with the picture."""
    late = max((abs(audio.start) for audio in source.audio if audio.start is not None), default=Fraction(0))
    if late > AVI_TOLERANCE:
        raise UsageError(
            f"the sound starts at {float(late):.3f} s, which .avi cannot say: use .mp4, .mov or .mkv"
        )
    if late:
        notes.append(f"the sound is moved by {float(late):.3f} s: AVI has no start times")


def _lossless_format(source: ClipInfo, layout: Layout, formats: list[str], notes: list[str]) -> str:
    """The writable pixel format that holds the upright source exactly, or as nearly as there is one."""
    candidates: list[str]
    alpha = "a" if layout.alpha else ""
    if layout.is_rgb:
        if layout.bits == 8:
            candidates = ["bgra" if alpha else "bgr0", f"gbr{alpha}p"]
        else:
            candidates = [f"gbr{alpha}p{layout.bits}le"]
    elif layout.kind == "gray":
        candidates = ["gray" if layout.bits == 8 else f"gray{layout.bits}le"]
        candidates += ["gray16le"] if layout.bits > 8 else []
    else:
        depth = "" if layout.bits == 8 else f"{layout.bits}le"
        sub_x, sub_y = layout.sub_x, layout.sub_y
        turned = source.orientation
        # A flip or a turn moves the chroma grid unless the sides are whole blocks.
        whole = source.coded_width % sub_x == 0 and source.coded_height % sub_y == 0
        if turned.transposed:
            sub_x, sub_y = sub_y, sub_x
        names = {(1, 1): "444", (2, 1): "422", (2, 2): "420", (1, 2): "440", (4, 1): "411", (4, 4): "410"}
        upright = whole or (turned.rotation == 0 and not turned.mirrored)
        name = names.get((sub_x, sub_y), "444") if upright else "444"
        candidates = [f"yuv{alpha}{name}p{depth}", f"yuv{alpha}444p{depth}"]
    for candidate in candidates:
        if candidate in formats:
            return candidate
    fallback = next((f for f in (f"yuv{alpha}444p16le", "yuv444p16le") if f in formats), formats[0])
    notes.append(f"no pixel format holds {layout.name} exactly; {fallback} is used")
    return fallback


def _output_colour(
    source: ClipInfo, layout: Layout, codec: Codec, container: Container, height: int, notes: list[str]
) -> ColourSpec:
    """The source's own colour, unless the output cannot say it."""
    colour = source.colour
    if layout.is_rgb:
        if colour.matrix == "rgb":
            return colour
        return replace(
            colour, matrix="rgb", full_range=True, matrix_code=0, matrix_tagged=True, range_tagged=True
        )
    if colour.matrix == "rgb":
        notes.append(f"RGB is converted to {layout.name} with the BT.709 matrix, limited range")
        return ColourSpec("bt709", False, 1, 1, 1, True, True)
    says_full = codec.full_range == "stream" or (
        codec.full_range == "container" and container.carries_range
    )
    if colour.full_range and not says_full:
        notes.append(f"full range becomes limited: {codec.name} in .{container.name} cannot say full")
        colour = replace(colour, full_range=False, range_tagged=True)
    if not colour.matrix_tagged and guess_matrix(height) != colour.matrix:
        # At another size a player would guess another matrix: say it now.
        code = {"bt601": 6, "bt709": 1}[colour.matrix]
        colour = replace(colour, matrix_code=code, matrix_tagged=True)
    return colour
