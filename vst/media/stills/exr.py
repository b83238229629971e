"""OpenEXR files: linear light in half or float, with alpha, read and written by the OpenEXR library."""

from __future__ import annotations

import io
import math
import os
import sys
import threading
from collections.abc import Iterable, Iterator
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
from vst.media.stills.exr_windows import Box, Windows, box_of, placed, placement

HALF_MAX = float(np.finfo(np.float16).max)
"""The largest value of half; infinite samples are set to it."""

FAINTEST_ALPHA = 2.0**-26
"""Alpha that stands for 0 where a pixel has light all the same (glows and flames): the light can then be
divided by it. Half cannot represent it."""

MAX_LIGHT = 1e19
"""Light divided by a small alpha is limited to this, so that arithmetic on it stays finite."""

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
_HALF, _FLOAT = 1, 2

MAX_LISTED = 8
"""The most channels or parts that are named in a message; the others are counted."""

_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Layer:
    """The channels of a file that are read.

    Attributes:
        part: Number of the part.
        prefix: Prefix of the names of the channels: empty, or a layer with its dot.
        gray: Whether the picture is one channel, Y.
    """

    part: int
    prefix: str
    gray: bool


@dataclass(frozen=True, slots=True)
class ExrInfo:
    """The properties of an OpenEXR file.

    Attributes:
        width: Columns of the display window.
        height: Rows of the display window.
        half: Whether the samples are half rather than float.
        layer: The channels that are read.
        has_alpha: Whether there is a channel A.
        sample_aspect: Width of a pixel divided by its height.
        rate: Frames per second, or None if the file does not state it.
        attributes: Attributes that describe the picture, with the library's types.
        windows: Display window and data window.
        notes: What a user should know.
    """

    width: int
    height: int
    half: bool
    layer: Layer
    has_alpha: bool
    sample_aspect: Fraction
    rate: Fraction | None
    attributes: dict[str, Any]
    windows: Windows
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


def probe_exr(path: Path) -> ExrInfo:
    """The properties of an OpenEXR file, from its header.

    Raises:
        MediaError: If it is damaged, too large, or not a flat picture in RGB or gray.
    """
    with _library(path), OpenEXR.File(os.fsencode(path), header_only=True) as file:
        # Every call into the library can fail on a damaged file, reading names and values too.
        parts = [dict(file.header(number)) for number in range(len(file.parts))]
        return _describe(path, parts)


def _describe(path: Path, parts: list[dict[str, Any]]) -> ExrInfo:
    names = [{channel.name: channel for channel in part["channels"]} for part in parts]
    layer = _main_layer(path, parts, names)
    header, channels, prefix = parts[layer.part], names[layer.part], layer.prefix
    windows = Windows(box_of(header["displayWindow"]), box_of(header["dataWindow"]))
    stored = [box_of(part["dataWindow"]) for part in parts]
    width, height = windows.display.width, windows.display.height
    if any(min(box.width, box.height) < 1 for box in (windows.display, *stored)):
        raise MediaError(f"{path} is damaged: its header has a size of {width}×{height}")
    PIXELS.check(path, max(box.width * box.height for box in (windows.display, *stored)))
    has_alpha = prefix + "A" in channels
    used = [prefix + name for name in (("Y",) if layer.gray else ("R", "G", "B"))]
    used += [prefix + "A"] if has_alpha else []
    if any(channels[name].xSampling != 1 or channels[name].ySampling != 1 for name in used):
        raise MediaError(f"{path} has subsampled channels: expected full resolution; convert it first")
    total = sum(
        box.width * box.height * 4 * len(part["channels"]) for box, part in zip(stored, parts, strict=True)
    )
    if total > MAX_BYTES_PER_PIXEL * PIXELS.value:
        raise MediaError(
            f"{path} has {sum(map(len, names))} channels, too many at this size: split the file first, or "
            f"set {PIXELS.variable}={math.ceil(total / MAX_BYTES_PER_PIXEL)}"
        )
    notes = []
    left_out = _left_out(parts, set(channels) - set(used), layer.part)
    if left_out:
        notes.append(dropped(f"OpenEXR channels {', '.join(used)} are used; {left_out} are dropped"))
    if "chromaticities" in header and not _is_709(header["chromaticities"]):
        notes.append(assumed("the file's primaries are not BT.709; they are treated as BT.709"))
    aspect = float(header.get("pixelAspectRatio", 1.0))
    return ExrInfo(
        width,
        height,
        _sample_type(path, layer.part, used[0]) == _HALF,
        layer,
        has_alpha,
        Fraction(aspect).limit_denominator(1000) if 0.01 < aspect < 100 else Fraction(1),
        _rate(header.get("framesPerSecond")),
        {key: value for key, value in header.items() if key not in _STORAGE_ATTRIBUTES},
        windows,
        tuple(notes),
    )


def _main_layer(path: Path, parts: list[dict[str, Any]], names: list[dict[str, Any]]) -> Layer:
    """The channels to read: RGB of the first part that has it, else Y, else the first layer with RGB."""
    flat = [
        number
        for number, part in enumerate(parts)
        if part.get("type") not in (OpenEXR.deepscanline, OpenEXR.deeptile)
    ]
    if not flat:
        raise MediaError(f"{path} is a deep OpenEXR file: expected a flat one; flatten it first")
    for number in flat:
        if names[number].keys() >= _RGB:
            return Layer(number, "", False)
    for number in flat:
        if "Y" in names[number] and not names[number].keys() & {"RY", "BY"}:
            return Layer(number, "", True)
    for number in flat:
        for name in sorted(names[number]):
            prefix = name.removesuffix("R")
            if prefix != name and names[number].keys() >= {prefix + letter for letter in _RGB}:
                return Layer(number, prefix, False)
    every = sorted({name for channels in names for name in channels})
    raise MediaError(f"{path} has the channels {_listed(every)}: expected R, G, B or Y")


def _left_out(parts: list[dict[str, Any]], channels: set[str], used: int) -> str:
    """The channels and parts of a file that are not read, in words; empty if there are none."""
    words = [f"channels {_listed(sorted(channels))}"] if channels else []
    others = [str(part.get("name", number + 1)) for number, part in enumerate(parts) if number != used]
    if others:
        words.append(f"part{'s' if len(others) > 1 else ''} {_listed(others)}")
    return " and ".join(words)


def _listed(names: list[str]) -> str:
    more = len(names) - MAX_LISTED
    return ", ".join(names[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def _sample_type(path: Path, part: int, channel: str) -> int:
    """The sample type of a channel, from the header: the library knows it only after reading."""
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    at = -1
    for _ in range(part + 1):
        at = head.find(_CHANNEL_LIST, at + 1)
    at += len(_CHANNEL_LIST) + 4
    # Each entry is a name with a final 0 and 16 bytes, of which the first four are the type.
    while at < len(head) and head[at]:
        end = head.find(b"\0", at)
        if end < 0:
            break
        if head[at:end] == channel.encode():
            return int.from_bytes(head[end + 1 : end + 5], "little")
        at = end + 17
    return _FLOAT


def _is_709(chromaticities: Any) -> bool:
    return np.allclose(
        [float(v) for v in np.ravel(chromaticities)],
        (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290),
        atol=2e-3,
    )


def _rate(value: Any) -> Fraction | None:
    return value if isinstance(value, Fraction) and 0 < value <= 1000 else None


def read_exr(
    path: Path, canvas: Box | None = None, *, keep_light: bool = False
) -> tuple[np.ndarray, list[Note]]:
    """Read an OpenEXR picture.

    Args:
        path: The file.
        canvas: The pixels to return, relative to the display window; None for the display window.
        keep_light: Whether light in pixels with alpha 0 is kept, with `FAINTEST_ALPHA`.

    Returns:
        Linear light, float32 H×W×3, or H×W×4 with straight (not premultiplied) alpha in 0..1; and notes.
        Pixels outside the data window are black and transparent.

    Raises:
        MediaError: If it cannot be decoded, or is too large.
    """
    info = probe_exr(path)
    canvas = canvas or info.windows.frame
    with _library(path), OpenEXR.File(os.fsencode(path), separate_channels=True) as file:
        loaded = file.channels(info.layer.part)
        names = ["Y"] * 3 if info.layer.gray else ["R", "G", "B"]
        names += ["A"] if info.has_alpha else []
        stored = np.stack([loaded[info.layer.prefix + name].pixels.astype(np.float32) for name in names])
    planes = placed(stored, info.windows.stored, canvas)
    notes: list[Note] = []
    if not canvas.contains(info.windows.stored):
        notes.append(
            dropped("pixels outside the display window are cropped; only OpenEXR output keeps them")
        )
    light = planes[:3]
    if not np.isfinite(light).all():
        np.nan_to_num(light, copy=False, nan=0.0, posinf=HALF_MAX, neginf=-HALF_MAX)
        notes.append(repaired(f"NaN samples are set to 0, infinite samples to ±{HALF_MAX:.0f}"))
    if info.has_alpha:
        notes.extend(_unpremultiply(light, planes[3], keep_light))
    return planes.transpose(1, 2, 0), notes


def _unpremultiply(light: np.ndarray, alpha: np.ndarray, keep_light: bool) -> Iterator[Note]:
    """OpenEXR's colours are premultiplied, those of `Frame` are not: divide by alpha, in place."""
    if not ((alpha >= 0) & (alpha <= 1)).all():
        # A pixel keeps its light if its alpha cannot be used.
        alpha[...] = np.nan_to_num(alpha, nan=1.0).clip(0, 1)
        yield repaired("alpha is limited to 0..1, and set to 1 where it is NaN")
    if keep_light:
        alpha[(alpha < FAINTEST_ALPHA) & light.any(0)] = FAINTEST_ALPHA
    elif light[:, alpha == 0].any():
        yield dropped("light in pixels with alpha 0 is dropped")
    with np.errstate(over="ignore"):
        light /= np.where(alpha == 0, np.float32(np.inf), alpha)
    np.clip(light, -MAX_LIGHT, MAX_LIGHT, out=light)


def write_exr(
    path: Path,
    light: np.ndarray,
    alpha: np.ndarray | None,
    *,
    half: bool,
    attributes: dict[str, Any],
    windows: Windows | None = None,
    canvas: Box | None = None,
) -> None:
    """Write an OpenEXR picture with lossless compression.

    Args:
        path: The file.
        light: Linear light, 3×H×W.
        alpha: Straight alpha, 1×H×W in 0..1, or None.
        half: Whether to write half rather than float.
        attributes: Attributes of the header.
        windows: The windows of the file that the picture comes from; None for a picture without overscan.
        canvas: What `light` shows, relative to the display window, before it was resized; None for the
            display window.

    Raises:
        OSError: If it cannot be written.
    """
    planes = light
    if alpha is not None:
        planes = np.concatenate((light * alpha, np.where(alpha <= FAINTEST_ALPHA, 0, alpha)))
    header = {**attributes, "compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    if windows is not None:
        place = placement(windows, canvas or windows.frame, light.shape[2], light.shape[1])
        planes = planes[:, place.rows, place.columns]
        header.update(place.attributes)
    if half:
        planes = planes.clip(-HALF_MAX, HALF_MAX)
    samples = planes.astype(np.float16 if half else np.float32)
    channels = {name: np.ascontiguousarray(plane) for name, plane in zip("RGBA", samples, strict=False)}
    try:
        with _lock, OpenEXR.File(header, channels) as file:
            file.write(os.fsencode(path))
    except (RuntimeError, ValueError, TypeError) as error:
        raise OSError(reason_of(error)) from error


def canvas_of(files: Iterable[Path]) -> Box | None:
    """The smallest canvas that shows the display window and the whole data window of every file.

    Damaged files are left out.

    Raises:
        MediaError: If it is too large.
    """
    canvas: Box | None = None
    for path in files:
        try:
            windows = probe_exr(path).windows
        except (MediaError, OSError):
            continue
        canvas = windows.whole if canvas is None else canvas.union(windows.whole)
        PIXELS.check(path, canvas.width * canvas.height)
    return canvas
