"""Picture files: their properties and their samples.

Pillow reads 8-bit pictures, OpenCV those with 16 bits per channel, libav DPX and JPEG 2000, OpenEXR linear
light. Pillow's own limit on the size of a picture is a process-wide setting; it is lifted while a file is
opened, and restored.
"""

from __future__ import annotations

import importlib
import re
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
from PIL import Image, ImageOps, TiffImagePlugin

from vst.errors import MediaError
from vst.files import kind_of_file
from vst.media.file_errors import reason_of
from vst.media.limits import PIXELS
from vst.media.notes import Note, converted, dropped
from vst.media.stills import exr
from vst.media.stills.animation import animation_of
from vst.media.stills.comment import provenance_in_exr, provenance_in_picture
from vst.media.stills.exr_windows import Box, Windows
from vst.media.stills.picture_kind import PictureKind, kind_of

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF")
_STREAM_SUFFIXES = (".mjpg", ".mjpeg")
_ORIENTATION, _BITS_PER_SAMPLE = 0x0112, 258

_TIFF_STORAGE_TAGS = {
    254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 301, 317, 320, 321, 322, 323,
    324, 325, 330, 332, 333, 334, 336, 338, 339, 340, 341, 342, 347, 512, 513, 514, 519, 520, 521, 529, 530,
    531, 532, 34675,
}  # fmt: skip
"""Tags of a TIFF file that describe how its samples are stored: the output is stored in another way."""

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
        windows: The windows of an OpenEXR picture.
        canvas: The frame of a clip of OpenEXR files, if it is not their display window.
        provenance: What the file says about the render that made it, or None.
    """

    profile: bytes | None = None
    exif: bytes | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    windows: Windows | None = None
    canvas: Box | None = None
    provenance: str | None = None


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
    """Whether a file is a picture with one frame, by its contents; an animated one is a clip."""
    if path.suffix.lower() in _STREAM_SUFFIXES:
        return False
    kind = picture_kind(path)
    if kind is PictureKind.AVIF_SEQUENCE:
        try:
            with _open(path, kind) as image:
                return getattr(image, "n_frames", 1) == 1
        except MediaError:
            return False
    if kind in (PictureKind.GIF, PictureKind.PNG, PictureKind.WEBP):
        return animation_of(path) is None
    return kind is not None


def picture_kind(path: Path) -> PictureKind | None:
    """The kind of a picture file, by its first bytes; None for a file that is no picture."""
    if kind_of_file(path) is not None:
        return None
    try:
        with path.open("rb") as file:
            return kind_of(file.read(64))
    except OSError:
        return None


def _formats(path: Path, kind: PictureKind | None) -> tuple[str, ...]:
    """Pillow's names of the formats that a file may have; HEIC needs a plugin.

    Raises:
        MediaError: If it is HEIC, and the plugin is not installed.
    """
    if kind is not PictureKind.HEIF:
        return _FORMATS
    try:
        pillow_heif = importlib.import_module("pillow_heif")
    except ImportError as error:
        raise MediaError(
            f"{path} is a HEIC picture, which needs the package pillow-heif: install it with "
            "'pip install pillow-heif', or convert the picture to JPEG or PNG"
        ) from error
    pillow_heif.register_heif_opener(thumbnails=False)
    return ("HEIF",)


def _open(path: Path, kind: PictureKind | None) -> Image.Image:
    formats = _formats(path, kind)
    with _lock:
        # `PIXELS` replaces Pillow's own limit, which a user cannot raise.
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            image = Image.open(path, formats=formats)
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
    if image.format == "PPM":
        with path.open("rb") as file:
            return re.match(rb"P6\s+(#[^\n]*\s+)*\d+\s+\d+\s+65535\s", file.read(256)) is not None
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
    kind = picture_kind(path)
    if kind is PictureKind.EXR:
        return _probe_exr(path)
    if kind is PictureKind.CODED:
        return _probe_coded(path)
    with _open(path, kind) as image, _decoding(path):
        width, height = image.size
        exif = image.getexif()
        # Pillow's size of a TIFF file is upright already.
        if exif.get(_ORIENTATION, 1) in (5, 6, 7, 8) and image.format != "TIFF":
            width, height = height, width
        for tag in (_ORIENTATION, *(_TIFF_STORAGE_TAGS if image.format == "TIFF" else ())):
            exif.pop(tag, None)
        has_alpha = _has_alpha(image)
        gray = image.mode.startswith("I;16") or image.mode == "I"
        deep = gray or _is_deep(path, image)
        pix_fmt = "gray16le" if gray else "rgba" if has_alpha else "rgb24"
        if deep and not gray:
            pix_fmt = "rgba64le" if has_alpha else "rgb48le"
        notes = []
        if getattr(image, "n_frames", 1) > 1 and animation_of(path) is None:
            notes.append(dropped("the picture has several pages or frames; only the first is used"))
        if image.mode == "CMYK":
            notes.append(converted("CMYK is converted to RGB"))
        return StillInfo(
            (image.format or "picture").lower(),
            width,
            height,
            pix_fmt,
            16 if deep else 8,
            has_alpha,
            metadata=PictureMetadata(
                profile=image.info.get("icc_profile") if image.mode != "CMYK" else None,
                exif=exif.tobytes() if len(exif) else None,
                provenance=provenance_in_picture(image),
            ),
            notes=tuple(notes),
        )


def _probe_coded(path: Path) -> StillInfo:
    # Here, because `probe` does not import torch for other files.
    from vst.media.stills.coded_picture import read_coded

    picture = read_coded(path)
    height, width = picture.image.shape[1:]
    return StillInfo(
        picture.codec,
        width,
        height,
        picture.pix_fmt,
        picture.bits,
        picture.alpha is not None,
        metadata=PictureMetadata(provenance=picture.provenance),
        notes=picture.notes,
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
        metadata=PictureMetadata(
            attributes=info.attributes,
            windows=info.windows,
            provenance=provenance_in_exr(info.attributes),
        ),
        notes=info.notes,
    )


def read_samples(path: Path, kind: PictureKind | None, canvas: Box | None = None) -> Samples:
    """Read the samples of a picture, upright; not of DPX and JPEG 2000 (`vst.media.stills.coded_picture`).

    Args:
        path: The file.
        kind: Its `picture_kind`.
        canvas: The frame of an OpenEXR clip that keeps its overscan; None for the display window.

    Raises:
        MediaError: If it cannot be decoded, or is too large.
    """
    if kind is PictureKind.EXR:
        light, notes = exr.read_exr(path, canvas, keep_light=canvas is not None)
        return Samples(light, 1.0, tuple(notes))
    with _open(path, kind) as image, _decoding(path):
        if _is_deep(path, image):
            # OpenCV applies the orientation of TIFF files itself.
            orientation = 1 if image.format == "TIFF" else image.getexif().get(_ORIENTATION, 1)
            return _read_deep(path, orientation)
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            # Pillow maps an uncompressed file with this name into memory, with the size of the upright
            # picture, although its rows are those of the stored one.
            image.filename = ""
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


def animation_provenance(path: Path) -> str | None:
    """The provenance of an animated picture; None if there is none, or it cannot be read."""
    try:
        with _open(path, picture_kind(path)) as image:
            return provenance_in_picture(image)
    except MediaError:
        return None


def animated_frames(path: Path, alpha: bool) -> Iterator[np.ndarray]:
    """The frames of an animated picture, uint8 H×W×3, or H×W×4 with alpha, decoded one after the other.

    Raises:
        MediaError: If one cannot be decoded.
    """
    with _open(path, picture_kind(path)) as image, _decoding(path):
        size = image.size
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            frame = image.convert("RGBA" if alpha else "RGB")
            if frame.size != size:
                raise ValueError("its frames differ in size")
            yield np.array(frame)
