"""Encoders in graphics hardware: fast, larger at the same quality, and only where the machine has them.

None is ever chosen unless it is asked for. Their frames may differ from one driver or device to another.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import av
import av.codec
from av.codec.hwaccel import HWAccel

from vst.errors import MediaError
from vst.media.colour.layout import Layout
from vst.media.encode.codec import Codec
from vst.media.probe.containers import reason_of, silence_libav

_WHERE = ("mp4", "m4v", "mov", "mkv")

_Options = Callable[[int | None, int, Layout], dict[str, str]]

_LAMBDA = 118
"""libav's units of quality for one step of a codec's own (FF_QP2LAMBDA)."""


def _nvenc(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    return {"preset": "p5", "rc": "vbr", "cq": str(crf), "b": "0"}


def _qsv(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    return {"preset": "medium", "global_quality": str(crf)}


def _vaapi(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    return {"rc_mode": "CQP", "qp": str(crf)}


def _videotoolbox(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    # Apple's quality runs from 1 to 100, larger is better.
    return {"flags": "+qscale", "global_quality": str(_LAMBDA * (100 - (crf or 0)))}


def _codec(
    name: str,
    family: str,
    needs: str,
    options: _Options,
    surfaces: dict[str, str],
    *,
    crf: int,
    max_crf: int = 51,
    device: str | None = None,
    containers: tuple[str, ...] = _WHERE,
) -> Codec:
    return Codec(
        f"{name}_{family}",
        f"{name}_{family}",
        containers,
        crf=crf,
        max_crf=max_crf,
        lossless=False,
        even_420=True,
        full_range="stream",
        options=options,
        default=lambda source: (
            "yuv420p10le" if source.bits > 8 and "yuv420p10le" in surfaces else "yuv420p"
        ),
        needs=needs,
        surfaces=surfaces,
        device=device,
    )


_NVIDIA, _INTEL = "an NVIDIA graphics card with an encoder", "an Intel graphics chip"
_VAAPI, _APPLE = "a graphics chip with a VA-API driver", "a Mac"
_PLANAR = {"yuv420p": "yuv420p", "yuv444p": "yuv444p"}
_NV12 = {"yuv420p": "nv12"}
_P010 = {"yuv420p10le": "p010le"}

HARDWARE_CODECS = {
    codec.name: codec
    for codec in (
        _codec("h264", "nvenc", _NVIDIA, _nvenc, _PLANAR, crf=21),
        _codec("hevc", "nvenc", _NVIDIA, _nvenc, _PLANAR | _P010, crf=23),
        _codec(
            "av1",
            "nvenc",
            _NVIDIA,
            _nvenc,
            {"yuv420p": "yuv420p"} | _P010,
            crf=28,
            max_crf=63,
            containers=("mp4", "m4v", "mkv", "webm"),
        ),
        _codec("h264", "qsv", _INTEL, _qsv, _NV12, crf=21),
        _codec("hevc", "qsv", _INTEL, _qsv, _NV12 | _P010, crf=23),
        _codec("h264", "vaapi", _VAAPI, _vaapi, _NV12, crf=21, device="vaapi"),
        _codec("hevc", "vaapi", _VAAPI, _vaapi, _NV12 | _P010, crf=23, device="vaapi"),
        _codec("h264", "videotoolbox", _APPLE, _videotoolbox, _NV12, crf=35, max_crf=99),
        _codec("hevc", "videotoolbox", _APPLE, _videotoolbox, _NV12 | _P010, crf=35, max_crf=99),
    )
}
"""Name -> codec, beside `vst.media.encode.codecs.CODECS`; named as libav does."""

TRIAL = (1280, 720)
"""A size that every encoder takes."""


def why_not(
    codec: Codec, pix_fmt: str, options: dict[str, str], width: int = TRIAL[0], height: int = TRIAL[1]
) -> str | None:
    """Why an encoder cannot be opened on this machine for such pictures; None if it can."""
    silence_libav()
    try:
        hwaccel = None if codec.device is None else HWAccel(codec.device)
        context = av.CodecContext.create(codec.encoder, "w", hwaccel=hwaccel)
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height = width, height
        context.pix_fmt = pix_fmt if codec.surfaces is None else codec.surfaces[pix_fmt]
        context.framerate, context.time_base = Fraction(25), Fraction(1, 25)
        context.options = dict(options)
        context.open()
    except av.codec.codec.UnknownCodecError:
        return f"this build of PyAV has no {codec.encoder}"
    except (av.FFmpegError, ValueError, NotImplementedError) as error:
        return reason_of(error)
    return None


def check_encoder(codec: Codec, pix_fmt: str, options: dict[str, str], width: int, height: int) -> None:
    """Refuse an encoder that cannot be opened here, before any work is done.

    Raises:
        MediaError: Says what it needs.
    """
    refused = why_not(codec, pix_fmt, options, width, height)
    if refused is not None:
        raise MediaError(
            f"codec {codec.name} needs {codec.needs}, and cannot be opened here for {width}×{height} in "
            f"{pix_fmt} ({refused}): choose h264, h265 or av1, which need none"
        )
