"""DPX and JPEG 2000 pictures, decoded and encoded by libav's codecs, 8 to 16 bits per sample."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
from torch import Tensor

from vst.errors import MediaError
from vst.media.colour.layout import find_layout, layout_of
from vst.media.colour.planes import from_rgb, to_rgb
from vst.media.colour.spec import RGB, spec_from_tags
from vst.media.libav import decoding_options
from vst.media.limits import PIXELS
from vst.media.notes import Note, assumed
from vst.media.stills.comment import provenance_in_coded
from vst.media.stills.picture_kind import coded_name

_DPX_TRANSFER = 801
"""Offset of the transfer characteristic in a DPX file (SMPTE ST 268)."""

_DPX_LOGARITHMIC = 3
_DPX_LOGARITHMS = {1: "printing density", _DPX_LOGARITHMIC: "logarithmic"}
_TREATED_AS_SRGB = "treated as sRGB (--input-colour cineon decodes them)"

DPX_FORMATS = {
    8: ("rgb24", "rgba"),
    10: ("gbrp10be", "rgba64be"),
    12: ("gbrp12be", "rgba64be"),
    16: ("rgb48be", "rgba64be"),
}
"""Bits per sample -> libav's pixel formats of DPX files without and with alpha."""

JPEG2000_FORMATS = {8: ("rgb24", "rgba"), 16: ("rgb48le", "rgba64le")}


class CodedPicture(NamedTuple):
    """A decoded picture.

    Attributes:
        codec: libav's name of its codec.
        pix_fmt: libav's name of its pixel format.
        bits: Bits per sample.
        image: R'G'B', 3×H×W.
        alpha: 1×H×W or None.
        notes: What a user should know.
        provenance: What the file says about the render that made it, or None.
    """

    codec: str
    pix_fmt: str
    bits: int
    image: Tensor
    alpha: Tensor | None
    notes: tuple[Note, ...]
    provenance: str | None = None


def read_coded(path: Path) -> CodedPicture:
    """Decode a DPX or JPEG 2000 picture.

    Raises:
        MediaError: If it is damaged, too large, or has a pixel format that is not supported.
    """
    data = path.read_bytes()
    codec = coded_name(data[:64])
    assert codec is not None
    width, height, bits = _header(path, data, codec)
    PIXELS.check(path, width * height)
    try:
        decoder = av.CodecContext.create(codec, "r")
        assert isinstance(decoder, av.VideoCodecContext)
        decoder.options = decoding_options()
        decoder.thread_count = 1
        frames = decoder.decode(av.Packet(data)) or decoder.decode(None)
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(f"{path} is damaged and cannot be decoded") from error
    if not frames or not frames[0].width or frames[0].is_corrupt:
        raise MediaError(f"{path} is damaged and cannot be decoded")
    frame = frames[0]
    if find_layout(frame.format.name) is None:
        # Digital cinema's X'Y'Z' and palettes, which libav's scaler converts.
        frame = frame.reformat(format="rgb48le")
        bits = 16
    layout = layout_of(frame.format.name)
    colour = spec_from_tags(
        layout, frame.height, matrix=frame.colorspace, range_=frame.color_range, primaries=1, transfer=13
    )
    image, alpha = to_rgb(frame, colour)
    if codec == "jpeg2000" and layout.bits == 16 and bits < 16:
        # libav shifts fewer bits to the top of 16; white is then not 65535.
        scale = 65535 / (((1 << bits) - 1) << (16 - bits))
        image, alpha = image * scale, None if alpha is None else alpha * scale
    depth = bits if 8 <= bits <= 16 else layout.bits
    provenance = provenance_in_coded(data, codec)
    return CodedPicture(codec, frame.format.name, depth, image, alpha, _notes(data, codec), provenance)


def _header(path: Path, data: bytes, codec: str) -> tuple[int, int, int]:
    """Width, height and bits per sample."""
    try:
        if codec == "dpx":
            width, height = struct.unpack_from(">II" if data[:4] == b"SDPX" else "<II", data, 772)
            return width, height, data[803]
        start = data.index(b"\xff\x51")
        right, bottom, left, top = struct.unpack_from(">IIII", data, start + 6)
        return right - left, bottom - top, (data[start + 40] & 0x7F) + 1
    except (struct.error, IndexError, ValueError) as error:
        raise MediaError(f"{path} is damaged: its header is cut short") from error


def _notes(data: bytes, codec: str) -> tuple[Note, ...]:
    kind = _DPX_LOGARITHMS.get(data[_DPX_TRANSFER]) if codec == "dpx" else None
    if kind is None:
        return ()
    return (assumed(f"the DPX header states {kind} samples; they are {_TREATED_AS_SRGB}"),)


def is_logarithm_note(note: Note) -> bool:
    """Whether a note says that a DPX header states a logarithmic curve."""
    return note.endswith(_TREATED_AS_SRGB)


def encode_coded(
    codec: str, image: Tensor, alpha: Tensor | None, bits: int, *, logarithmic: bool = False
) -> bytes:
    """Encode a picture, losslessly.

    Args:
        codec: ``dpx`` or ``jpeg2000``.
        image: R'G'B' or what else the samples mean, 3×H×W, 0..1.
        alpha: 1×H×W, or None.
        bits: Bits per sample: a key of `DPX_FORMATS` or `JPEG2000_FORMATS`.
        logarithmic: Whether a DPX header states logarithmic samples.

    Returns:
        The contents of the file.
    """
    formats = DPX_FORMATS if codec == "dpx" else JPEG2000_FORMATS
    frame = from_rgb(image, alpha, formats[bits][alpha is not None], RGB)
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, frame.format.name
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1
    if codec == "jpeg2000":
        encoder.options = {"pred": "dwt53"}
    frame.pts = 0
    data = b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))
    if logarithmic and codec == "dpx":
        data = data[:_DPX_TRANSFER] + bytes([_DPX_LOGARITHMIC]) + data[_DPX_TRANSFER + 1 :]
    return data
