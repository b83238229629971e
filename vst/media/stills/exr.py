"""OpenEXR files: linear light in half or float, with alpha, read and written by the OpenEXR library."""

from __future__ import annotations

import io
import math
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import OpenEXR

from vst.errors import MediaError
from vst.media.file_errors import reason_of
from vst.media.limits import PIXELS
from vst.media.notes import Note, assumed, dropped, repaired

MAGIC = b"\x76\x2f\x31\x01"

HALF_MAX = float(np.finfo(np.float16).max)
"""The largest value of half; infinite samples are set to it."""

MAX_BYTES_PER_PIXEL = 32
"""Bytes of all channels together, per pixel of the largest allowed size: the library reads all at once."""

_STORAGE_ATTRIBUTES = {
    "channels", "chunkCount", "compression", "dataWindow", "displayWindow", "lineOrder", "name", "preview",
    "tiles", "type", "version", "view", "multiView",
}  # fmt: skip
"""Attributes that describe how the file is stored rather than the picture."""

_RGB = {"R", "G", "B"}
_CHANNEL_LIST = b"channels\0chlist\0"
_HEADER_BYTES = 1 << 16
_HALF = 1
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class ExrInfo:
    """The properties of an OpenEXR file.

    Attributes:
        width: Columns of the display window.
        height: Rows of the display window.
        half: Whether the samples are half rather than float.
        prefix: Prefix of the names of the channels: empty, or a layer with its dot.
        gray: Whether the picture is one channel, Y.
        has_alpha: Whether there is a channel A.
        sample_aspect: Width of a pixel divided by its height.
        rate: Frames per second, or None if the file does not state it.
        attributes: Attributes that describe the picture, with the library's types.
        notes: What a user should know.
    """

    width: int
    height: int
    half: bool
    prefix: str
    gray: bool
    has_alpha: bool
    sample_aspect: Fraction
    rate: Fraction | None
    attributes: dict[str, Any]
    notes: tuple[Note, ...]


class _Muted(io.TextIOBase):
    """Standard output without what one thread writes: the library prints the errors that it raises."""

    def __init__(self, original: TextIO) -> None:
        self._original, self._thread = original, threading.get_ident()

    def write(self, text: str) -> int:
        return len(text) if threading.get_ident() == self._thread else self._original.write(text)

    def flush(self) -> None:
        self._original.flush()


@contextmanager
def _library(path: Path) -> Iterator[None]:
    """One thread at a time, without output; errors become a MediaError. Standard output is restored."""
    with _lock:
        before = sys.stdout
        sys.stdout = _Muted(before)
        try:
            yield
        except (RuntimeError, ValueError, TypeError, LookupError, OSError, MemoryError) as error:
            raise MediaError(f"{path} is damaged and cannot be decoded ({reason_of(error)})") from error
        finally:
            sys.stdout = before


def _size(window: tuple[Any, Any]) -> tuple[int, int]:
    (left, top), (right, bottom) = (tuple(int(v) for v in corner) for corner in window)
    return right - left + 1, bottom - top + 1


def probe_exr(path: Path) -> ExrInfo:
    """The properties of an OpenEXR file, from its header.

    Raises:
        MediaError: If it is damaged, too large, or not a flat picture in RGB or gray.
    """
    with _library(path), OpenEXR.File(str(path), header_only=True) as file:
        # Every call into the library can fail on a damaged file, reading names and values too.
        parts = [dict(file.header(number)) for number in range(len(file.parts))]
        return _describe(path, parts)


def _describe(path: Path, parts: list[dict[str, Any]]) -> ExrInfo:
    header = parts[0]
    if header.get("type") in (OpenEXR.deepscanline, OpenEXR.deeptile):
        raise MediaError(f"{path} is a deep OpenEXR file: expected a flat one; flatten it first")
    width, height = _size(header["displayWindow"])
    sizes = [(width, height), *(_size(part["dataWindow"]) for part in parts)]
    if any(min(size) < 1 for size in sizes):
        raise MediaError(f"{path} is damaged: its header has a size of {width}×{height}")
    PIXELS.check(path, max(size[0] * size[1] for size in sizes))
    channels = {channel.name: channel for channel in header["channels"]}
    prefix, gray = _main_layer(path, channels)
    names = ["Y"] if gray else ["R", "G", "B"]
    has_alpha = prefix + "A" in channels
    used = [prefix + name for name in (*names, *(["A"] if has_alpha else []))]
    if any(channels[name].xSampling != 1 or channels[name].ySampling != 1 for name in used):
        raise MediaError(f"{path} has subsampled channels: expected full resolution; convert it first")
    total = sum(
        size[0] * size[1] * 4 * len(part["channels"]) for size, part in zip(sizes[1:], parts, strict=True)
    )
    if total > MAX_BYTES_PER_PIXEL * PIXELS.value:
        raise MediaError(
            f"{path} has {len(channels)} channels, too many at this size: split the file first, or set "
            f"{PIXELS.variable}={math.ceil(total / MAX_BYTES_PER_PIXEL)}"
        )
    notes = []
    others = sorted(set(channels) - set(used))
    if others or len(parts) > 1:
        what = f"channels {', '.join(others[:8])}" if others else f"{len(parts) - 1} further parts"
        notes.append(dropped(f"OpenEXR channels {', '.join(used)} are used; {what} are dropped"))
    if "chromaticities" in header and not _is_709(header["chromaticities"]):
        notes.append(assumed("the file's primaries are not BT.709; they are treated as BT.709"))
    aspect = float(header.get("pixelAspectRatio", 1.0))
    return ExrInfo(
        width,
        height,
        _sample_type(path, used[0]) == _HALF,
        prefix,
        gray,
        has_alpha,
        Fraction(aspect).limit_denominator(1000) if 0.01 < aspect < 100 else Fraction(1),
        _rate(header.get("framesPerSecond")),
        {key: value for key, value in header.items() if key not in _STORAGE_ATTRIBUTES},
        tuple(notes),
    )


def _main_layer(path: Path, channels: dict[str, Any]) -> tuple[str, bool]:
    """The prefix of the channels to read, and whether they are gray: RGB, else Y, else the first layer."""
    if channels.keys() >= _RGB:
        return "", False
    if "Y" in channels and not channels.keys() & {"RY", "BY"}:
        return "", True
    for name in sorted(channels):
        prefix = name.removesuffix("R")
        if prefix != name and channels.keys() >= {prefix + letter for letter in _RGB}:
            return prefix, False
    raise MediaError(f"{path} has the channels {', '.join(sorted(channels)[:8])}: expected R, G, B or Y")


def _sample_type(path: Path, channel: str) -> int:
    """The sample type of a channel, from the header: the library knows it only after reading."""
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    entry = head.find(channel.encode() + b"\0", head.find(_CHANNEL_LIST) + len(_CHANNEL_LIST) + 4)
    at = entry + len(channel.encode()) + 1
    return int.from_bytes(head[at : at + 4], "little")


def _is_709(chromaticities: Any) -> bool:
    return np.allclose(
        [float(v) for v in np.ravel(chromaticities)],
        (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290),
        atol=2e-3,
    )


def _rate(value: Any) -> Fraction | None:
    return value if isinstance(value, Fraction) and 0 < value <= 1000 else None


def read_exr(path: Path) -> tuple[np.ndarray, list[Note]]:
    """Read an OpenEXR picture.

    Returns:
        Linear light, float32 H×W×3, or H×W×4 with straight (not premultiplied) alpha in 0..1; and notes.
        Pixels outside the data window are black and transparent.

    Raises:
        MediaError: If it cannot be decoded, or is too large.
    """
    info = probe_exr(path)
    with _library(path), OpenEXR.File(str(path), separate_channels=True) as file:
        header = dict(file.header())
        loaded = file.channels()
        names = ["Y"] * 3 if info.gray else ["R", "G", "B"]
        names += ["A"] if info.has_alpha else []
        stored = np.stack([loaded[info.prefix + name].pixels.astype(np.float32) for name in names])
        window = header["dataWindow"][0] - header["displayWindow"][0]
    planes = _placed(stored, int(window[0]), int(window[1]), info.width, info.height)
    notes: list[Note] = []
    if not np.isfinite(planes).all():
        planes = np.nan_to_num(planes, copy=False, nan=0.0, posinf=HALF_MAX, neginf=-HALF_MAX)
        notes.append(repaired(f"NaN samples are set to 0, infinite samples to ±{HALF_MAX:.0f}"))
    if info.has_alpha:
        light, alpha = planes[:3], planes[3].clip(0, 1)
        if light[:, alpha == 0].any():
            notes.append(dropped("light in pixels with alpha 0 is dropped"))
        # OpenEXR's colours are premultiplied, those of `Frame` are not.
        planes[:3] = light / np.where(alpha == 0, np.float32(np.inf), alpha)
        planes[3] = alpha
    return planes.transpose(1, 2, 0), notes


def _placed(stored: np.ndarray, left: int, top: int, width: int, height: int) -> np.ndarray:
    """The display window, with the samples of the data window in their place."""
    rows, columns = stored.shape[1:]
    if (left, top, columns, rows) == (0, 0, width, height):
        return stored
    whole = np.zeros((stored.shape[0], height, width), np.float32)
    first_x, first_y = max(left, 0), max(top, 0)
    last_x, last_y = min(left + columns, width), min(top + rows, height)
    if first_x < last_x and first_y < last_y:
        whole[:, first_y:last_y, first_x:last_x] = stored[
            :, first_y - top : last_y - top, first_x - left : last_x - left
        ]
    return whole


def write_exr(
    path: Path, light: np.ndarray, alpha: np.ndarray | None, *, half: bool, attributes: dict[str, Any]
) -> None:
    """Write an OpenEXR picture with lossless compression.

    Args:
        path: The file.
        light: Linear light, 3×H×W.
        alpha: Straight alpha, 1×H×W in 0..1, or None.
        half: Whether to write half rather than float.
        attributes: Attributes of the header.

    Raises:
        OSError: If it cannot be written.
    """
    planes = light if alpha is None else np.concatenate((light * alpha, alpha))
    if half:
        planes = planes.clip(-HALF_MAX, HALF_MAX)
    samples = planes.astype(np.float16 if half else np.float32)
    channels = {name: np.ascontiguousarray(plane) for name, plane in zip("RGBA", samples, strict=False)}
    header = {**attributes, "compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    try:
        with _lock, OpenEXR.File(header, channels) as file:
            file.write(str(path))
    except (RuntimeError, ValueError, TypeError) as error:
        raise OSError(reason_of(error)) from error
