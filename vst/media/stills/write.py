"""Encoding a frame as a picture file."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from PIL import Image

from vst.errors import UsageError, suggestion
from vst.frame import Frame
from vst.media.colour.curves import CURVES
from vst.media.colour.light import light_from_display, light_from_srgb
from vst.media.colour.planes import from_rgb
from vst.media.colour.spec import RGB
from vst.media.notes import Note, converted, dropped
from vst.media.stills import exr
from vst.media.stills.animate import ANIMATIONS, Timing, write_animation
from vst.media.stills.coded_picture import encode_coded
from vst.media.stills.comment import exr_attributes, save_options, write_provenance
from vst.media.stills.samples import PictureMetadata

if TYPE_CHECKING:
    from vst.media.probe.clip_info import ClipInfo

STILL_SUFFIXES = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".exr": "EXR",
    ".gif": "GIF",
    ".apng": "PNG",
    ".avif": "AVIF",
    ".dpx": "DPX",
    ".jp2": "JPEG2000",
}
"""Extension -> format, of the pictures that can be written."""

PIX_FMT_BITS = {
    "rgb24": 8,
    "rgba": 8,
    "gbrp10le": 10,
    "gbrp12le": 12,
    "rgb48le": 16,
    "rgba64le": 16,
    "gbrpf16le": 16,
    "gbrpf32le": 32,
}
"""Pixel format that can be chosen -> bits per sample; the last two are half and float."""

_OPAQUE = ("rgb24", "gbrp10le", "gbrp12le", "rgb48le")

_PIX_FMTS = {
    "PNG": ("rgb24", "rgba", "rgb48le", "rgba64le"),
    "TIFF": ("rgb24", "rgba", "rgb48le", "rgba64le"),
    "JPEG": ("rgb24",),
    "WEBP": ("rgb24", "rgba"),
    "EXR": ("gbrpf16le", "gbrpf32le"),
    "GIF": ("rgb24", "rgba"),
    "AVIF": ("rgb24", "rgba"),
    "DPX": ("rgb24", "rgba", "gbrp10le", "gbrp12le", "rgb48le", "rgba64le"),
    "JPEG2000": ("rgb24", "rgba", "rgb48le", "rgba64le"),
}

_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
    "TIFF": {"compression": "tiff_lzw"},
    "AVIF": {"quality": 90, "subsampling": "4:4:4"},
}
_WITHOUT_PROFILE = ("EXR", "GIF", "DPX", "JPEG2000")
_LZW = 5


@dataclass(frozen=True, slots=True)
class PicturePlan:
    """How the frames of a clip are written as pictures.

    Attributes:
        kind: The format, a value of `STILL_SUFFIXES`.
        bits: Bits per sample.
        alpha: Whether alpha is written, if the frames have it.
        source: The clip.
        curve: How samples store light, a key of `CURVES`, if the user stated that of the source and the
            output has the same format; None for linear light in OpenEXR and sRGB in other formats.
        notes: What is converted or dropped.
        provenance: What the metadata of each picture say about how it was made, or None.
    """

    kind: str
    bits: int
    alpha: bool
    source: ClipInfo
    curve: str | None
    notes: tuple[Note, ...]
    provenance: str | None = None

    @property
    def loses_light(self) -> bool:
        """Whether light above white is compressed."""
        return self.kind != "EXR" and self.curve in (None, "srgb", "linear")


def plan_picture(
    target: Path, source: ClipInfo, pix_fmt: str | None = None, provenance: str | None = None
) -> PicturePlan:
    """Choose bit depth and alpha: those of the source, if the picture format has them.

    Args:
        target: The file or pattern to write; its extension chooses the format.
        source: The clip.
        pix_fmt: The pixel format to write; None for the source's depth.
        provenance: Goes into the metadata of each picture (`vst.media.provenance`); None for nothing.

    Raises:
        UsageError: If the picture format does not have the pixel format.
    """
    kind = STILL_SUFFIXES[target.suffix.lower()]
    notes = []
    if pix_fmt is not None and pix_fmt not in _PIX_FMTS[kind]:
        raise UsageError(
            f"{kind} does not support pixel format {pix_fmt}: {suggestion(pix_fmt, _PIX_FMTS[kind])}"
        )
    bits = PIX_FMT_BITS[pix_fmt] if pix_fmt is not None else _depth(kind, source)
    alpha = kind != "JPEG" and pix_fmt not in _OPAQUE
    if source.has_alpha and not alpha:
        notes.append(dropped(f"alpha is dropped: {kind} as {pix_fmt or 'rgb24'} has no alpha channel"))
    if source.bit_depth > bits:
        notes.append(converted(f"{source.bit_depth} bits per sample are reduced to {bits}"))
    if kind == "GIF":
        notes.append(converted("GIF has 256 colours: the nearest ones are used, without dithering"))
        if source.has_alpha and alpha and source.codec != "gif":
            notes.append(
                converted("GIF has no partial transparency: alpha below a half becomes transparent")
            )
    curve = source.curve if source.codec == kind.lower() else None
    if source.curve is not None and curve is None:
        now = "linear light" if kind == "EXR" else "sRGB"
        notes.append(converted(f"{CURVES[source.curve].title} becomes {now}, which {kind} files hold"))
    elif kind == "EXR" and source.light is None:
        notes.append(converted("colours are written as linear light, converted by the sRGB curve"))
    if source.picture.profile and (kind in _WITHOUT_PROFILE or (kind == "TIFF" and bits == 16)):
        notes.append(dropped(f"the colour profile is dropped: it is not written to {bits}-bit {kind}"))
    return PicturePlan(kind, bits, alpha, source, curve, tuple(notes), provenance)


def _depth(kind: str, source: ClipInfo) -> int:
    """Bits per sample of an output: those of the source, if the format has them."""
    if kind == "EXR":
        return 32 if source.bit_depth > 16 else 16
    if kind == "DPX":
        # Ten bits are what DPX is used for; alpha needs 8 or 16.
        if source.codec == "dpx" and source.bit_depth == 8:
            return 8
        return 16 if source.has_alpha else next((bits for bits in (10, 12) if source.bit_depth <= bits), 16)
    return 16 if kind in ("PNG", "TIFF", "JPEG2000") and source.bit_depth > 8 else 8


def write_picture(path: Path, plan: PicturePlan, frame: Frame, metadata: PictureMetadata) -> None:
    """Write one frame as a picture.

    Args:
        path: The file.
        plan: How it is written.
        frame: The frame.
        metadata: Of the picture that the frame comes from: attributes and windows of OpenEXR.

    Raises:
        OSError: If it cannot be written.
    """
    image = frame.image.detach().to("cpu", torch.float32)
    alpha = (
        frame.alpha.detach().to("cpu", torch.float32) if frame.alpha is not None and plan.alpha else None
    )
    if plan.kind == "EXR" or plan.curve is not None:
        image = _light(plan.source, image, frame.gain)
        if plan.curve is not None:
            image = CURVES[plan.curve].encode(image)
    if plan.kind == "EXR":
        attributes = metadata.attributes
        if plan.provenance is not None:
            attributes = exr_attributes(attributes, plan.provenance)
        exr.write_exr(
            path,
            image.numpy(),
            None if alpha is None else alpha.numpy(),
            half=plan.bits == 16,
            attributes=attributes,
            windows=metadata.windows,
            canvas=plan.source.picture.canvas,
        )
        return
    if plan.kind in ("DPX", "JPEG2000"):
        logarithmic = plan.curve not in (None, "srgb", "linear")
        path.write_bytes(encode_coded(plan.kind.lower(), image, alpha, plan.bits, logarithmic=logarithmic))
    elif plan.kind == "GIF":
        _write_gif(path, image, alpha)
    else:
        _write_pixels(path, plan, image, alpha)
    if plan.provenance is not None and not save_options(plan.kind, plan.provenance):
        write_provenance(path, plan.kind, plan.provenance)


def _write_pixels(path: Path, plan: PicturePlan, image: torch.Tensor, alpha: torch.Tensor | None) -> None:
    """PNG, TIFF, JPEG, WebP and AVIF."""
    planes = image if alpha is None else torch.cat((image, alpha))
    top = 255.0 if plan.bits == 8 else 65535.0
    pixels = planes.mul(top).add_(0.5).clamp_(0, top + 0.25).permute(1, 2, 0).contiguous()
    if plan.bits == 16:
        _write_deep(path, plan, pixels.to(torch.int32).numpy().astype(np.uint16))
        return
    options = dict(_SAVE_OPTIONS.get(plan.kind, {}))
    if plan.source.picture.profile:
        options["icc_profile"] = plan.source.picture.profile
    if plan.source.picture.exif:
        options["exif"] = plan.source.picture.exif
    if plan.provenance is not None:
        options |= save_options(plan.kind, plan.provenance)
    data = io.BytesIO()  # Pillow's TIFF encoder takes no file whose name is not UTF-8
    try:
        Image.fromarray(pixels.to(torch.uint8).numpy()).save(data, format=plan.kind, **options)
    except ValueError as error:
        raise OSError(str(error)) from error
    path.write_bytes(data.getvalue())


def _write_gif(path: Path, image: torch.Tensor, alpha: torch.Tensor | None) -> None:
    """A GIF of one frame."""
    pix_fmt = "bgr0" if alpha is None else "bgra"
    timing = Timing(Fraction(1, 100), (0,), 10, plays=1)
    write_animation(
        path,
        ANIMATIONS["gif"],
        lambda: iter([from_rgb(image, alpha, pix_fmt, RGB)]),
        timing,
        (int(image.shape[2]), int(image.shape[1])),
        pix_fmt,
    )


def _light(source: ClipInfo, image: torch.Tensor, gain: torch.Tensor | None) -> torch.Tensor:
    """The linear light of a frame."""
    light = light_from_display(image) if source.light == "hdr" else light_from_srgb(image)
    return light if gain is None else light * gain.to("cpu", torch.float32)


def _write_deep(path: Path, plan: PicturePlan, pixels: np.ndarray) -> None:
    order = [2, 1, 0, 3][: pixels.shape[2]]
    options = [cv2.IMWRITE_TIFF_COMPRESSION, _LZW] if plan.kind == "TIFF" else []
    good, data = cv2.imencode(f".{plan.kind.lower()}", np.ascontiguousarray(pixels[:, :, order]), options)
    if not good:
        raise OSError("OpenCV cannot encode it")
    content = data.tobytes()
    if plan.kind == "PNG" and plan.source.picture.profile:
        content = _with_profile(content, plan.source.picture.profile)
    path.write_bytes(content)


def _with_profile(png: bytes, profile: bytes) -> bytes:
    """A PNG file with a colour profile in an iCCP chunk, right after the header."""
    body = b"iCCP" + b"profile\0\0" + zlib.compress(profile)
    header_end = 8 + 4 + 4 + 13 + 4
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:header_end] + chunk + png[header_end:]
