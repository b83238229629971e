"""The table of hardware encoders: fast, with larger files at the same quality.

They are used only with ``--codec``. Their frames may differ between drivers and devices.
"""

from __future__ import annotations

from fractions import Fraction

import av
import av.codec
from av.codec.hwaccel import HWAccel

from vst.errors import MediaError
from vst.media.colour.layout import Layout
from vst.media.encode.codec import Codec, EncoderOptions, Hardware, Quality
from vst.media.file_errors import reason_of

_CONTAINERS = ("mp4", "m4v", "mov", "mkv")

_QP2LAMBDA = 118
"""libav's units of quality per step of a codec (FF_QP2LAMBDA)."""


def _nvenc(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    return {"preset": "p5", "rc": "vbr", "cq": str(crf), "b": "0"}


def _qsv(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    return {"preset": "medium", "global_quality": str(crf)}


def _vaapi(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    return {"rc_mode": "CQP", "qp": str(crf)}


def _videotoolbox(crf: int | None, threads: int, layout: Layout) -> dict[str, str]:
    # Apple's quality is 1 to 100, larger is better.
    return {"flags": "+qscale", "global_quality": str(_QP2LAMBDA * (100 - (crf or 0)))}


def _codec(
    name: str,
    family: str,
    requires: str,
    options: EncoderOptions,
    surfaces: dict[str, str],
    quality: Quality,
    *,
    device: str | None = None,
    containers: tuple[str, ...] = _CONTAINERS,
) -> Codec:
    return Codec(
        f"{name}_{family}",
        f"{name}_{family}",
        containers,
        options,
        lambda source: "yuv420p10le" if source.bits > 8 and "yuv420p10le" in surfaces else "yuv420p",
        quality=quality,
        even_420=True,
        hardware=Hardware(requires, surfaces, device),
    )


_NVIDIA, _INTEL = "an NVIDIA graphics card with an encoder", "an Intel graphics chip"
_VAAPI, _APPLE = "a graphics chip with a VA-API driver", "a Mac"
_PLANAR = {"yuv420p": "yuv420p", "yuv444p": "yuv444p"}
_NV12 = {"yuv420p": "nv12"}
_P010 = {"yuv420p10le": "p010le"}

HARDWARE_CODECS = {
    codec.name: codec
    for codec in (
        _codec("h264", "nvenc", _NVIDIA, _nvenc, _PLANAR, Quality(21, 51)),
        _codec("hevc", "nvenc", _NVIDIA, _nvenc, _PLANAR | _P010, Quality(23, 51)),
        _codec(
            "av1",
            "nvenc",
            _NVIDIA,
            _nvenc,
            {"yuv420p": "yuv420p"} | _P010,
            Quality(28, 63),
            containers=("mp4", "m4v", "mkv", "webm"),
        ),
        _codec("h264", "qsv", _INTEL, _qsv, _NV12, Quality(21, 51)),
        _codec("hevc", "qsv", _INTEL, _qsv, _NV12 | _P010, Quality(23, 51)),
        _codec("h264", "vaapi", _VAAPI, _vaapi, _NV12, Quality(21, 51), device="vaapi"),
        _codec("hevc", "vaapi", _VAAPI, _vaapi, _NV12 | _P010, Quality(23, 51), device="vaapi"),
        _codec("h264", "videotoolbox", _APPLE, _videotoolbox, _NV12, Quality(35, 99)),
        _codec("hevc", "videotoolbox", _APPLE, _videotoolbox, _NV12 | _P010, Quality(35, 99)),
    )
}
"""Name -> codec, beside `vst.media.encode.codecs.CODECS`; the names are libav's."""

TEST_SIZE = (1280, 720)
"""Width and height that every encoder takes."""


def open_failure(
    codec: Codec,
    pix_fmt: str,
    options: dict[str, str],
    width: int = TEST_SIZE[0],
    height: int = TEST_SIZE[1],
) -> str | None:
    """Why an encoder cannot be opened on this machine for such frames; None if it can."""
    hardware = codec.hardware
    try:
        hwaccel = None if hardware is None or hardware.device is None else HWAccel(hardware.device)
        context = av.CodecContext.create(codec.encoder, "w", hwaccel=hwaccel)
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height = width, height
        context.pix_fmt = pix_fmt if hardware is None else hardware.surfaces[pix_fmt]
        context.framerate, context.time_base = Fraction(25), Fraction(1, 25)
        context.options = dict(options)
        context.open()
    except av.codec.codec.UnknownCodecError:
        return f"this build of PyAV has no {codec.encoder}"
    except (av.FFmpegError, ValueError, NotImplementedError) as error:
        return reason_of(error)
    return None


def check_encoder(codec: Codec, pix_fmt: str, options: dict[str, str], width: int, height: int) -> None:
    """Check that a hardware encoder can be opened on this machine, before any work is done.

    Raises:
        MediaError: If it cannot.
    """
    failure = open_failure(codec, pix_fmt, options, width, height)
    if failure is not None:
        requires = "hardware" if codec.hardware is None else codec.hardware.requires
        raise MediaError(
            f"codec {codec.name} needs {requires}, and cannot be opened here for {width}×{height} in "
            f"{pix_fmt} ({failure}): choose a software codec such as h264, h265 or av1"
        )
