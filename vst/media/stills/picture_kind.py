"""Which kind of picture a file is, by its first bytes."""

from __future__ import annotations

import re
from enum import Enum

EXR_MAGIC = b"\x76\x2f\x31\x01"
JP2_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
J2K_SIGNATURE = b"\xff\x4f\xff\x51"
DPX_SIGNATURES = (b"SDPX", b"XPDS")

_JP2_BRANDS = (b"jp2 ", b"jpx ")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis")
_BMP_HEADER_SIZES = (b"\x28\0\0\0", b"\x0c\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0")
_PPM = re.compile(rb"P[1-6]\s")


class PictureKind(Enum):
    """Kinds of picture files that are read in different ways."""

    EXR = "OpenEXR"
    CODED = "DPX or JPEG 2000"
    GIF = "GIF"
    PNG = "PNG"
    WEBP = "WebP"
    HEIF = "HEIC"
    AVIF_SEQUENCE = "AVIF that may have several frames"
    OTHER = "read by Pillow or OpenCV, one frame"


def kind_of(head: bytes) -> PictureKind | None:
    """The kind of a file that begins with these 64 bytes; None if it is not a picture."""
    if head.startswith(EXR_MAGIC):
        return PictureKind.EXR
    if coded_name(head) is not None:
        return PictureKind.CODED
    if head.startswith((b"GIF87a", b"GIF89a")):
        return PictureKind.GIF
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PictureKind.PNG
    if head.startswith(b"RIFF"):
        return PictureKind.WEBP if head[8:12] == b"WEBP" else None
    if head[4:8] == b"ftyp":
        return _kind_of_brands(head)
    is_bitmap = head.startswith(b"BM") and head[14:18] in _BMP_HEADER_SIZES
    if is_bitmap or head.startswith((b"\xff\xd8\xff", b"II*\0", b"MM\0*")) or _PPM.match(head):
        return PictureKind.OTHER
    return None


def _kind_of_brands(head: bytes) -> PictureKind | None:
    """The kind of a file in ISO's base media format: pictures are told from videos by its brands."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[at : at + 4] for at in (8, *range(16, size - 3, 4))}
    if b"avis" in brands:
        return PictureKind.AVIF_SEQUENCE
    if b"avif" in brands:
        return PictureKind.OTHER
    return PictureKind.HEIF if head[8:12] == b"mif1" or head[8:12] in _HEIF_BRANDS else None


def coded_name(head: bytes) -> str | None:
    """libav's name of the codec of a DPX or JPEG 2000 file; None for another kind."""
    if head.startswith(DPX_SIGNATURES):
        return "dpx"
    if head.startswith(J2K_SIGNATURE) or (head.startswith(JP2_SIGNATURE) and head[20:24] in _JP2_BRANDS):
        return "jpeg2000"
    return None
