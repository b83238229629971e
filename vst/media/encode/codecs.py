"""The table of codecs. A new codec is one row here."""

from __future__ import annotations

import torch

from vst.media.colour.layout import Layout
from vst.media.colour.mastering import Mastering
from vst.media.encode.codec import Codec, Muxing, Quality


def _deep_420(source: Layout) -> str:
    return "yuv420p10le" if source.bits > 8 else "yuv420p"


def _prores_format(source: Layout) -> str:
    if source.alpha:
        return "yuva444p10le"
    return "yuv444p10le" if source.has_full_chroma else "yuv422p10le"


def _dnxhr_format(source: Layout) -> str:
    if source.has_full_chroma:
        return "yuv444p10le"
    return "yuv422p10le" if source.bits > 8 else "yuv422p"


def _y4m_format(source: Layout) -> str:
    chroma = (
        "444" if source.has_full_chroma else "422" if source.kind == "yuv" and source.sub_y == 1 else "420"
    )
    return f"yuv{chroma}p{'' if source.bits <= 8 else '10le' if source.bits <= 10 else '16le'}"


def _no_options(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    return {}


def _x264_options(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    # At half a step less, "faster" has the SSIM of "medium" on stylized clips, at 2 % more data and half
    # the CPU time (benchmarks/results/encoding.md). 0 is lossless.
    options = {"crf": str(crf - 0.5 if crf else 0), "preset": "faster"}
    if torch.backends.cpu.get_cpu_capability() == "AVX512":
        # With AVX-512, x264's macroblock tree reads uninitialised memory: the same frames give different
        # packets from run to run (core 165: 12 of 16 runs differed, none without). Every CPU with AVX-512
        # has all of these, and they are as fast.
        options["x264-params"] = "asm=AVX2,FMA3,BMI2,BMI1,LZCNT,SSE4.2,SSSE3,SSE2Fast"
    return options


def _x265_options(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    # x265 prints by itself. Its decisions depend on the number of frame threads, so that is fixed.
    return {
        "crf": str(crf),
        "preset": "medium",
        "x265-params": f"log-level=none:pools={threads}:frame-threads=1",
    }


def _svtav1_options(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    return {"crf": str(crf), "preset": "8", "svtav1-params": f"lp={threads}"}


def _vp9_options(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    options = {"crf": str(crf), "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"}
    if layout.alpha:
        options["auto-alt-ref"] = "0"
    return options


def _prores_options(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    return {"profile": "3" if layout.sub_x == 2 else "4", "vendor": "apl0"}


def _dnxhr_options(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    if layout.sub_x == 1:
        return {"profile": "dnxhr_444"}
    return {"profile": "dnxhr_hqx" if layout.bits > 8 else "dnxhr_hq"}


def _ffv1_options(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    # libav chooses the number of slices: no number suits every size with subsampled chroma.
    return {"level": "3", "slicecrc": "1", "g": "1"}


CODECS = {
    codec.name: codec
    for codec in (
        Codec(
            "h264",
            "libx264",
            ("mp4", "m4v", "mov", "mkv", "avi"),
            _x264_options,
            lambda source: "yuv420p",
            quality=Quality(18, 51),
            even_420=True,
            centred_chroma=("4:2:0",),
            # AVI stores start codes, which the muxer of the segments removes.
            muxing=Muxing(avi_filter="h264_mp4toannexb"),
        ),
        Codec(
            "h265",
            "libx265",
            ("mp4", "m4v", "mov", "mkv"),
            _x265_options,
            _deep_420,
            quality=Quality(20, 51),
            even_420=True,
            # x265 4.1 corrupts its memory, or encodes differently every time, when a single coding tree
            # unit covers the frame.
            min_size=(72, 72),
            mastering=("x265-params", Mastering.x265_params),
            centred_chroma=("4:2:0",),
            muxing=Muxing(mp4_tag="hvc1"),
        ),
        Codec(
            "av1",
            "libsvtav1",
            ("mp4", "m4v", "mkv", "webm"),
            _svtav1_options,
            _deep_420,
            quality=Quality(28, 63),
            even_420=True,
            mastering=("svtav1-params", Mastering.svtav1_params),
        ),
        Codec(
            "vp9",
            "libvpx-vp9",
            ("webm", "mkv", "mp4"),
            _vp9_options,
            lambda source: "yuva420p" if source.alpha else "yuv420p",
            quality=Quality(24, 63),
            muxing=Muxing(alpha_tag=True),
        ),
        Codec("prores", "prores_ks", ("mov", "mkv"), _prores_options, _prores_format, full_range="never"),
        Codec(
            "dnxhr",
            "dnxhd",
            ("mov",),
            _dnxhr_options,
            _dnxhr_format,
            min_size=(256, 120),
            # PyAV does not mux it into Matroska.
            muxing=Muxing(segments="mov"),
        ),
        Codec(
            "ffv1",
            "ffv1",
            ("mkv",),
            _ffv1_options,
            None,
            full_range="container",
            centred_chroma=("4:2:0", "4:2:2"),
        ),
    )
}
"""Name -> codec, in the order in which defaults are chosen."""

STREAM_CODECS = {
    "rawvideo": Codec(
        "rawvideo",
        "rawvideo",
        (),
        _no_options,
        _y4m_format,
        full_range="never",
        centred_chroma=("4:2:0",),
    )
}
"""Name -> codec that only a pipe can hold."""
