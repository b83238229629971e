"""Picture files: their properties and their samples.

Pillow reads 8-bit pictures, OpenCV those with 16 bits per channel, OpenEXR linear light. Pillow's own limit
on the size of a picture is a process-wide setting; it is lifted while a file is opened, and restored.
"""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps

from vst.errors import MediaError
from vst.media.file_errors import reason_of
from vst.media.limits import PIXELS
from vst.media.notes import Note, converted, dropped
from vst.media.stills import exr

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
_STREAM_SUFFIXES = (".mjpg", ".mjpeg")
_ORIENTATION, _BITS_PER_SAMPLE = 0x0112, 258

_DAMAGED = (
    OSError, ValueError, SyntaxError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError,
    EOFError, MemoryError, struct.error, zlib.error, cv2.error,
)  # fmt: skip
"""What the libraries raise for damaged files."""

_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class PictureMetadata:
    """Metadata of a picture file that is copied to the output.

    Attributes:
        profile: ICC colour profile, or None.
        exif: Exif data without the orientation, or None.
        attributes: Attributes of an OpenEXR picture.
    """

    profile: bytes | None = None
    exif: bytes | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StillInfo:
    """The properties of a picture file, upright.

    Attributes:
        format: Its name in lower case.
        width: Columns.
        height: Rows.
        pix_fmt: The corresponding pixel format of libav.
        bit_depth: Bits per sample.
        has_alpha: Whether there is an alpha channel.
        sample_aspect: Width of a pixel divided by its height.
        rate: Frames per second of the sequence that the picture belongs to, or None.
        metadata: Metadata that is copied to the output.
        notes: What a user should know.
    """

    format: str
    width: int
    height: int
    pix_fmt: str
    bit_depth: int
    has_alpha: bool
    sample_aspect: Fraction = Fraction(1)
    rate: Fraction | None = None
    metadata: PictureMetadata = field(default_factory=PictureMetadata)
    notes: tuple[Note, ...] = ()


class Samples(NamedTuple):
    """The samples of a picture, upright.

    Attributes:
        planes: H×W×C, where C is 1 (gray), 3 (R'G'B') or 4 (with alpha); for OpenEXR linear light, float32.
        top: The value of white or opaque.
        notes: What a user should know.
    """

    planes: np.ndarray
    top: float
    notes: tuple[Note, ...] = ()


def is_still(path: Path) -> bool:
    """Whether a file is a picture, by its first bytes (an animated PNG is a video)."""
    if path.suffix.lower() in _STREAM_SUFFIXES:
        return False
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError:
        return False
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return b"acTL" not in head
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WEBP"
    return head.startswith((b"\xff\xd8\xff", b"II*\0", b"MM\0*", exr.MAGIC)) or (
        head.startswith(b"BM")
        and head[14:18] in (b"\x28\0\0\0", b"\x0c\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0")
    )


def is_exr(path: Path) -> bool:
    """Whether a file is OpenEXR, by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) == exr.MAGIC


def _open(path: Path) -> Image.Image:
    with _lock:
        # `PIXELS` replaces Pillow's own limit, which a user cannot raise.
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            image = Image.open(path, formats=_FORMATS)
        except _DAMAGED as error:
            raise MediaError(f"{path} is not a picture that can be read ({reason_of(error)})") from error
        finally:
            Image.MAX_IMAGE_PIXELS = before
    PIXELS.check(path, image.width * image.height)
    return image


@contextmanager
def _decoding(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise MediaError(f"{path} is damaged and cannot be decoded ({reason_of(error)})") from error


def _is_deep(path: Path, image: Image.Image) -> bool:
    """Whether a picture of several channels has 16 bits per sample, of which Pillow reads eight."""
    if image.format == "PNG":
        with path.open("rb") as file:
            header = file.read(26)
        return header[24:25] == b"\x10" and header[25:26] != b"\0"
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (8,))
        return len(bits) > 1 and max(bits) == 16
    return False


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def probe_still(path: Path) -> StillInfo:
    """The properties of a picture, without decoding it.

    Raises:
        MediaError: If it is not a picture, or too large.
    """
    if is_exr(path):
        return _probe_exr(path)
    with _open(path) as image, _decoding(path):
        width, height = image.size
        exif = image.getexif()
        # Pillow's size of a TIFF file is upright already.
        if exif.get(_ORIENTATION, 1) in (5, 6, 7, 8) and image.format != "TIFF":
            width, height = height, width
        exif.pop(_ORIENTATION, None)
        has_alpha = _has_alpha(image)
        gray = image.mode.startswith("I;16") or image.mode == "I"
        deep = gray or _is_deep(path, image)
        kind = "gray16le" if gray else "rgba" if has_alpha else "rgb24"
        if deep and not gray:
            kind = "rgba64le" if has_alpha else "rgb48le"
        notes = []
        if getattr(image, "n_frames", 1) > 1:
            notes.append(dropped("the picture has several pages or frames; only the first is used"))
        if image.mode == "CMYK":
            notes.append(converted("CMYK is converted to RGB"))
        return StillInfo(
            (image.format or "picture").lower(),
            width,
            height,
            kind,
            16 if deep else 8,
            has_alpha,
            metadata=PictureMetadata(
                profile=image.info.get("icc_profile") if image.mode != "CMYK" else None,
                exif=exif.tobytes() if len(exif) else None,
            ),
            notes=tuple(notes),
        )


def _probe_exr(path: Path) -> StillInfo:
    info = exr.probe_exr(path)
    return StillInfo(
        "exr",
        info.width,
        info.height,
        f"gbr{'a' if info.has_alpha else ''}p16le",
        16 if info.half else 32,
        info.has_alpha,
        info.sample_aspect,
        info.rate,
        metadata=PictureMetadata(attributes=info.attributes),
        notes=info.notes,
    )


def read_samples(path: Path) -> Samples:
    """Read the samples of a picture, upright.

    Raises:
        MediaError: If it cannot be decoded, or is too large.
    """
    if is_exr(path):
        light, notes = exr.read_exr(path)
        return Samples(light, 1.0, tuple(notes))
    with _open(path) as image, _decoding(path):
        if _is_deep(path, image):
            # OpenCV applies the orientation of TIFF files itself.
            orientation = 1 if image.format == "TIFF" else image.getexif().get(_ORIENTATION, 1)
            return _read_deep(path, orientation)
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I"):
            return Samples(np.atleast_3d(np.asarray(upright)), 65535.0)
        return Samples(np.array(upright.convert("RGBA" if _has_alpha(upright) else "RGB")), 255.0)


def _read_deep(path: Path, orientation: int) -> Samples:
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("OpenCV cannot read it")
    order = {1: [0, 0, 0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[pixels.shape[2] if pixels.ndim == 3 else 1]
    pixels = np.atleast_3d(pixels)[:, :, order]
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    # After exchanging rows and columns, flips remain: vertical, horizontal or both.
    rows, columns = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    pixels = pixels[:: -1 if rows else 1, :: -1 if columns else 1]
    return Samples(np.ascontiguousarray(pixels), 65535.0 if pixels.dtype == np.uint16 else 255.0)
