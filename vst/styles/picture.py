"""Decodes the pictures that styles and networks are trained on, as 8-bit RGB.

CMYK, 16 bits, palettes, alpha and orientation tags are converted. Everything that is only called a picture
raises `PictureError` with a reason.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageCms, ImageOps

from vst.errors import MediaError

SMALLEST = 16
"""Pixels on the shorter side: the loss network halves a picture four times."""

MAX_PIXELS = 1 << 27
"""Of a decoded picture; 134 million. A JPEG with more is decoded at an eighth of its size or more."""

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "PPM", "JPEG2000")
"""Pillow's names of the formats that are read. Others call programs, or are no pictures."""

_ANIMATED = ("GIF", "PNG", "WEBP", "TIFF")
"""Formats whose further frames are pictures of their own, and not previews or depth maps."""

_DAMAGED = (
    OSError, ValueError, SyntaxError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError,
    EOFError, MemoryError, struct.error, zlib.error, Image.DecompressionBombError, ImageCms.PyCMSError,
)  # fmt: skip
"""What Pillow raises for damaged files."""

_OPAQUE = 250
"""Alpha, 0..255, from which a pixel counts as opaque."""


class PictureError(MediaError):
    """A picture cannot be used.

    Attributes:
        reason: Why, in a few words.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} cannot be used: {reason}; expected a picture, such as JPEG or PNG")
        self.name, self.reason = name, reason

    def __reduce__(self) -> tuple[type[PictureError], tuple[str, str]]:
        return type(self), (self.name, self.reason)


class DecodedPicture(NamedTuple):
    """A picture, upright.

    Attributes:
        pixels: H×W×3, uint8, RGB.
        opaque: H×W, bool: where it is not transparent; None if it is nowhere.
        frames: Number of frames or pages, of which this is the first.
    """

    pixels: np.ndarray
    opaque: np.ndarray | None
    frames: int


def check_picture(stream: BinaryIO, name: str) -> None:
    """Check the header of a picture: its format and its size. Nothing is decoded.

    Raises:
        PictureError: if it cannot be used.
    """
    with _errors(name), _opened(stream, name):
        pass


def decode_picture(data: bytes, name: str) -> np.ndarray:
    """H×W×3, uint8, RGB; what is transparent is shown on white.

    Args:
        data: The file.
        name: Of that file, for the error.

    Raises:
        PictureError: if it cannot be decoded, or is too small.
    """
    with _errors(name), _opened(io.BytesIO(data), name) as image:
        upright = ImageOps.exif_transpose(image)
        if not upright.has_transparency_data:
            return _rgb(upright)
        page = Image.new("RGBA", upright.size, "white")
        page.alpha_composite(upright.convert("RGBA"))
        return _rgb(page)


def decode_painting(data: bytes, name: str) -> DecodedPicture:
    """A picture of a style, with its colours converted from its colour profile to sRGB.

    Args:
        data: The file.
        name: Of that file, for the error.

    Raises:
        PictureError: if it cannot be decoded.
    """
    with _errors(name), _opened(io.BytesIO(data), name, smallest=1) as image:
        frames = getattr(image, "n_frames", 1) if image.format in _ANIMATED else 1
        profile = image.info.get("icc_profile")
        upright = ImageOps.exif_transpose(image)
        opaque = None
        if upright.has_transparency_data:
            upright = upright.convert("RGBA")
            opaque = np.asarray(upright.getchannel("A")) >= _OPAQUE
            upright = upright.convert("RGB")
        if profile is not None:
            upright = _in_srgb(upright, profile)
        return DecodedPicture(_rgb(upright), None if opaque is None or opaque.all() else opaque, frames)


def decode_mask(data: bytes, name: str) -> np.ndarray:
    """A picture as a mask: its alpha, if that is not opaque, else its luma.

    Args:
        data: The file.
        name: Of that file, for the error.

    Returns:
        H×W, float32, 0..1.

    Raises:
        PictureError: if it cannot be decoded.
    """
    with _errors(name), _opened(io.BytesIO(data), name, smallest=1) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.has_transparency_data:
            alpha = np.array(upright.convert("RGBA").getchannel("A"))
            if (alpha < 255).any():
                return alpha.astype(np.float32) / 255
        return np.array(Image.fromarray(_rgb(upright)).convert("L")).astype(np.float32) / 255


@contextmanager
def _errors(name: str) -> Iterator[None]:
    """Everything that Pillow raises becomes a `PictureError`, and nothing is printed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except _DAMAGED as error:
        raise PictureError(name, "damaged") from error


@contextmanager
def _opened(stream: BinaryIO, name: str, smallest: int = SMALLEST) -> Iterator[Image.Image]:
    """A picture whose header is good, and that has `smallest` pixels or more on its shorter side."""
    try:
        image = Image.open(stream, formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise PictureError(name, f"more than {MAX_PIXELS:,} pixels") from error
    except _DAMAGED as error:
        raise PictureError(name, "not a picture that can be read") from error
    with image:
        if min(image.size) < smallest:
            raise PictureError(name, f"smaller than {SMALLEST}×{SMALLEST} pixels")
        if image.mode == "F":
            raise PictureError(name, "floating-point samples")
        if image.width * image.height > MAX_PIXELS:
            # Only JPEG can be decoded smaller.
            image.draft("RGB", (image.width // 8, image.height // 8))
        if image.width * image.height > MAX_PIXELS:
            raise PictureError(name, f"more than {MAX_PIXELS:,} pixels")
        yield image


def _rgb(image: Image.Image) -> np.ndarray:
    """H×W×3, uint8."""
    if not image.mode.startswith("I"):
        return np.array(image.convert("RGB"))  # a copy: Pillow's own buffer is read-only
    # Gray with 16 bits: Pillow's own conversion would clip at 255.
    gray = np.asarray(image).clip(0, 65535).astype(np.float32) / 257
    return np.repeat(gray.round().astype(np.uint8)[..., None], 3, axis=2)


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """A picture with the colours that its profile describes; as it is if the profile does not fit it."""
    if image.mode == "P":
        image = image.convert("RGB")
    try:
        described = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(described).lower():
            return image
        converted = ImageCms.profileToProfile(
            image, described, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except _DAMAGED:
        return image
    return converted or image
