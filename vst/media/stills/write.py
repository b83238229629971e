"""Frames into picture files: one, or one a frame."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from PIL import Image

from vst.errors import MediaError, UsageError, suggestion
from vst.frame import Frame
from vst.media.colour.light import light_from_display, light_from_srgb
from vst.media.stills import exr
from vst.media.stills.sequence import files_like, numbered

if TYPE_CHECKING:
    from vst.media.probe.clip import ClipInfo

STILL_SUFFIXES = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".exr": "EXR",
}
"""Extensions of pictures that can be written, and the name of each format."""

DEPTHS = {"rgb24": 8, "rgba": 8, "rgb48le": 16, "rgba64le": 16, "gbrpf16le": 16, "gbrpf32le": 32}
"""What may be asked of a picture's samples: 8 or 16 bits, or OpenEXR's half and float."""

_ALLOWED = {
    "PNG": ("rgb24", "rgba", "rgb48le", "rgba64le"),
    "TIFF": ("rgb24", "rgba", "rgb48le", "rgba64le"),
    "JPEG": ("rgb24",),
    "WEBP": ("rgb24", "rgba"),
    "EXR": ("gbrpf16le", "gbrpf32le"),
}

_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
    "TIFF": {"compression": "tiff_lzw"},
}
_LZW = 5


@dataclass(frozen=True, slots=True)
class PicturePlan:
    """How a clip's frames become pictures.

    Attributes:
        kind: A value of `STILL_SUFFIXES`.
        bits: Bits a sample.
        alpha: Whether transparency is written, where there is any.
        source: The clip.
        notes: What the choices cost, for the user.
    """

    kind: str
    bits: int
    alpha: bool
    source: ClipInfo
    notes: tuple[str, ...]


def plan_picture(target: Path, source: ClipInfo, pix_fmt: str | None = None) -> PicturePlan:
    """Choose depth and alpha for pictures named like `target`: the source's, where the format has them.

    Raises:
        UsageError: For a pixel format that the picture format does not have.
    """
    kind = STILL_SUFFIXES[target.suffix.lower()]
    notes = []
    if pix_fmt is not None and pix_fmt not in _ALLOWED[kind]:
        raise UsageError(f"{kind} cannot hold {pix_fmt}: {suggestion(pix_fmt, _ALLOWED[kind])}")
    if pix_fmt is not None:
        bits = DEPTHS[pix_fmt]
    elif kind == "EXR":
        bits = 32 if source.bit_depth > 16 else 16
    else:
        bits = 16 if kind in ("PNG", "TIFF") and source.bit_depth > 8 else 8
    alpha = kind != "JPEG" and pix_fmt not in ("rgb24", "rgb48le")
    if source.has_alpha and not alpha:
        notes.append(f"transparency is dropped: {kind} as {pix_fmt or 'rgb24'} has none")
    if source.bit_depth > bits:
        notes.append(f"{source.bit_depth} bits a sample become {bits}")
    if kind == "EXR" and source.light is None:
        notes.append("colours are written as linear light, by sRGB's curve")
    if source.profile and (kind == "EXR" or (kind == "TIFF" and bits == 16)):
        notes.append(f"the colour profile is dropped: {kind} gets none")
    return PicturePlan(kind, bits, alpha, source, tuple(notes))


def write_picture(path: Path, plan: PicturePlan, frame: Frame, attributes: dict[str, Any]) -> None:
    """Write one frame to `path`.

    Raises:
        OSError: If it cannot be written.
    """
    image = frame.image.detach().to("cpu", torch.float32)
    alpha = (
        frame.alpha.detach().to("cpu", torch.float32) if frame.alpha is not None and plan.alpha else None
    )
    if plan.kind == "EXR":
        light = _light(plan.source, image, frame.gain).numpy()
        opacity = None if alpha is None else alpha.numpy()
        exr.write_exr(path, light, opacity, half=plan.bits == 16, attributes=attributes)
        return
    planes = image if alpha is None else torch.cat((image, alpha))
    top = 255.0 if plan.bits == 8 else 65535.0
    pixels = planes.mul(top).add_(0.5).clamp_(0, top + 0.25).permute(1, 2, 0).contiguous()
    if plan.bits == 16:
        _write_deep(path, plan, pixels.to(torch.int32).numpy().astype(np.uint16))
        return
    options = dict(_SAVE_OPTIONS.get(plan.kind, {}))
    if plan.source.profile:
        options["icc_profile"] = plan.source.profile
    if plan.source.exif:
        options["exif"] = plan.source.exif
    try:
        Image.fromarray(pixels.to(torch.uint8).numpy()).save(path, format=plan.kind, **options)
    except ValueError as error:
        raise OSError(str(error)) from error


def _light(source: ClipInfo, image: torch.Tensor, gain: torch.Tensor | None) -> torch.Tensor:
    """The linear light that a frame stands for."""
    light = light_from_display(image) if source.light == "hdr" else light_from_srgb(image)
    return light if gain is None else light * gain.to("cpu", torch.float32)


def _write_deep(path: Path, plan: PicturePlan, pixels: np.ndarray) -> None:
    order = [2, 1, 0, 3][: pixels.shape[2]]
    options = [cv2.IMWRITE_TIFF_COMPRESSION, _LZW] if plan.kind == "TIFF" else []
    good, data = cv2.imencode(f".{plan.kind.lower()}", np.ascontiguousarray(pixels[:, :, order]), options)
    if not good:
        raise OSError("OpenCV cannot encode it")
    content = data.tobytes()
    if plan.kind == "PNG" and plan.source.profile:
        content = _with_profile(content, plan.source.profile)
    path.write_bytes(content)


def _with_profile(png: bytes, profile: bytes) -> bytes:
    """A PNG file with a colour profile: the chunk iCCP right after the header."""
    body = b"iCCP" + b"profile\0\0" + zlib.compress(profile)
    header_end = 8 + 4 + 4 + 13 + 4
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:header_end] + chunk + png[header_end:]


class PictureFolder:
    """The pictures of one sequence, kept in a work folder until all are there.

    Args:
        pattern: Where the pictures go in the end: a name with a counter.
        work: The folder that has them meanwhile; it has to be on the same disk.
        source: The clip. The pictures of a sequence get the numbers of its files, others count from 1.
        plan: How pictures are written.
    """

    def __init__(self, pattern: Path, work: Path, source: ClipInfo, plan: PicturePlan) -> None:
        self._pattern, self._work, self._source, self._plan = pattern, work, source, plan
        self._files: list[Path] = []
        self._made = False

    def create(self) -> None:
        """Make the folder that the pictures go to, if it is only missing itself.

        Raises:
            OSError: If that cannot be done.
        """
        if not self._pattern.parent.is_dir():
            self._pattern.parent.mkdir()
            self._made = True

    def take_up(self, names: Iterable[str]) -> None:
        """Go on after pictures that an earlier run wrote."""
        self._files.extend(self._pattern.with_name(name) for name in names)

    def add(self, frame: Frame) -> Path:
        """Write the picture of one frame, and say where it waits.

        Raises:
            OSError: If it cannot be written.
        """
        number, attributes = self._place(frame)
        target = numbered(self._pattern, number)
        kept = self._work / target.name
        write_picture(kept, self._plan, frame, attributes)
        self._files.append(target)
        return kept

    def _place(self, frame: Frame) -> tuple[int, dict[str, Any]]:
        """A frame's number, and what its own file says of it."""
        sequence = self._source.sequence
        if sequence is None:
            return frame.index + 1, self._source.attributes
        number = sequence.numbers[frame.index]
        if self._plan.kind != "EXR" or not self._source.attributes:
            return number, {}
        try:
            return number, exr.probe_exr(sequence.files[frame.index]).attributes
        except MediaError:
            # A damaged file, whose picture is its neighbour's.
            return number, self._source.attributes

    def publish(self) -> None:
        """Give all pictures their names; those that have them since an earlier run keep them.

        Raises:
            OSError: If that cannot be done.
        """
        for target in self._files:
            if (self._work / target.name).exists() or not target.exists():
                os.replace(self._work / target.name, target)

    def abort(self) -> None:
        """Remove the folder again, if it was made and is empty."""
        if self._made:
            try:
                self._pattern.parent.rmdir()
            except OSError:
                return


def check_pattern(pattern: Path, source: ClipInfo | None, overwrite: bool) -> None:
    """Raise what would make writing pictures by a pattern fail, before any work is done.

    Raises:
        MediaError: If there are such pictures already, or the folder is missing or cannot be written to.
        UsageError: If the pattern is no name of a picture with one counter.
    """
    if pattern.suffix.lower() not in STILL_SUFFIXES:
        known = ", ".join(STILL_SUFFIXES)
        raise UsageError(f"{pattern.name} is no name of a picture: use one of {known}")
    numbered(pattern, 1)
    folder = pattern.parent
    if not folder.is_dir():
        if not folder.parent.is_dir():
            raise MediaError(
                f"the folder {folder} does not exist: make it first, or choose another with -o"
            )
        folder = folder.parent
    elif there := files_like(pattern):
        if source is not None and source.sequence is not None:
            own = {file.resolve() for file in source.sequence.files}
            if any(path.resolve() in own for _, path in there):
                raise MediaError(f"{pattern} is the input itself: choose another output with -o")
        if not overwrite:
            raise MediaError(
                f"{there[0][1]} exists already: pass -y to overwrite it, or choose another name with -o"
            )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise MediaError(f"the folder {folder} cannot be written to: choose another with -o")
