"""Pictures as clips of one frame: in and out with Pillow."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from vst.errors import MediaError
from vst.media.containers import reason_of, writing_error

MAX_PIXELS = 178_956_970
"""The largest picture that is opened, in pixels (Pillow's own limit for a decompression bomb)."""

STILL_SUFFIXES = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
"""Extensions of pictures that can be written, and Pillow's name of each format."""

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
    "TIFF": {"compression": "tiff_lzw"},
}
_STREAM_SUFFIXES = (".mjpg", ".mjpeg")


@dataclass(frozen=True, slots=True)
class StillInfo:
    """What a picture file holds, upright."""

    format: str
    width: int
    height: int
    pix_fmt: str
    bit_depth: int
    has_alpha: bool
    notes: tuple[str, ...]


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
    return head.startswith((b"\xff\xd8\xff", b"II*\0", b"MM\0*")) or (
        head.startswith(b"BM")
        and head[14:18] in (b"\x28\0\0\0", b"\x0c\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0")
    )


def _open(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path, formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaError(
            f"{path} is larger than {MAX_PIXELS:,} pixels: scale the picture down first"
        ) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise MediaError(f"{path} is not a picture that can be read ({reason_of(error)})") from error
    if image.width * image.height > MAX_PIXELS:
        raise MediaError(f"{path} is larger than {MAX_PIXELS:,} pixels: scale the picture down first")
    return image


def probe_still(path: Path) -> StillInfo:
    """Size and kind of a picture, without decoding it.

    Raises:
        MediaError: If it is no picture, or too large.
    """
    with _open(path) as image:
        width, height = image.size
        if image.getexif().get(0x0112, 1) in (5, 6, 7, 8):
            width, height = height, width
        has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
        deep = image.mode.startswith("I;16") or image.mode == "I"
        notes = []
        if getattr(image, "n_frames", 1) > 1:
            notes.append("the picture has several pages or frames; the first is used")
        if image.mode == "CMYK":
            notes.append("the picture is CMYK; it is converted to RGB")
        return StillInfo(
            (image.format or "picture").lower(),
            width,
            height,
            "gray16le" if deep else "rgba" if has_alpha else "rgb24",
            16 if deep else 8,
            has_alpha,
            tuple(notes),
        )


def read_still(path: Path) -> tuple[torch.Tensor, torch.Tensor | None]:
    """A picture, upright, as R'G'B' (float 3×H×W, 0..1) and alpha (1×H×W or None).

    Raises:
        MediaError: If it cannot be decoded.
    """
    with _open(path) as image:
        try:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I"):
                gray = torch.from_numpy(np.asarray(upright).astype(np.float32)) / 65535.0
                return gray[None].repeat(3, 1, 1), None
            has_alpha = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
            pixels = np.array(upright.convert("RGBA" if has_alpha else "RGB"))
        except (OSError, ValueError, SyntaxError, MemoryError) as error:
            raise MediaError(f"{path} is damaged and cannot be decoded ({reason_of(error)})") from error
    planes = torch.from_numpy(pixels).permute(2, 0, 1).to(torch.float32).div_(255.0).contiguous()
    return planes[:3], planes[3:4] if has_alpha else None


def write_still(path: Path, target: Path, image: torch.Tensor, alpha: torch.Tensor | None) -> list[str]:
    """Write one frame (3×H×W, 0..1) to `path` in the format that `target`'s extension names.

    Returns:
        Notes on what the format cannot hold.

    Raises:
        MediaError: If it cannot be written.
    """
    notes: list[str] = []
    kind = STILL_SUFFIXES[target.suffix.lower()]
    planes = [image.detach().to("cpu", torch.float32)]
    if alpha is not None:
        if kind == "JPEG":
            notes.append("JPEG has no transparency; it is dropped")
        else:
            planes.append(alpha.detach().to("cpu", torch.float32))
    pixels = torch.cat(planes).mul(255.0).add_(0.5).clamp_(0, 255.25).to(torch.uint8)
    picture = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())
    options = _SAVE_OPTIONS.get(kind, {})
    try:
        picture.save(path, format=kind, **options)
    except (OSError, ValueError) as error:
        raise writing_error(target, error) from error
    return notes
