"""Flow as 16-bit PNG, the format of the KITTI benchmarks (Geiger, Lenz, Urtasun 2012; Menze, Geiger 2015).

Three channels of 16 bits: red is round(64 u) + 32768, green the same of v, blue is 1 where the flow is
    known
and 0 elsewhere. A step is 1/64 pixel, the rounding error at most 1/128 = 0.0078 pixel per component, and a
component ranges from −511.98 to 511.98 pixels (``fits_png``).

Masks are PNGs with one channel of 8 bits: 255 where an earlier frame can be trusted, 0 elsewhere.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vst.errors import MediaError

_STEPS_PER_PIXEL = 64
_ZERO = 32768
_MAX_FLOW = (65535 - _ZERO) / _STEPS_PER_PIXEL
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_PIXELS = 178_956_970
"""Pillow's limit: a file of a few kilobytes that announces more pixels is a decompression bomb."""


def fits_png(flow: Tensor) -> bool:
    """Whether every known component is in the range of the format."""
    known = flow[:, flow.isfinite().all(dim=0)]
    return bool((known.abs() <= _MAX_FLOW).all())


def read_flow_png(path: str | os.PathLike[str]) -> Tensor:
    """Read flow from a 16-bit PNG.

    Returns:
        Float32 tensor 2×H×W, pixels, x then y; NaN in both components where the flow is unknown.

    Raises:
        MediaError: The file cannot be read, is damaged, or is not such a PNG.
    """
    path = Path(path)
    values = _decode(path)
    if values.dtype != np.uint16 or values.ndim != 3 or values.shape[2] != 3:
        raise MediaError(
            f"{path} is not flow; expected a PNG with three channels of 16 bits, the format of KITTI"
        )
    # OpenCV's order is blue, green, red.
    known = values[..., 0] > 0
    flow = (values[..., :0:-1].astype(np.float32) - _ZERO) / _STEPS_PER_PIXEL
    flow[~known] = np.nan
    return torch.from_numpy(flow.transpose(2, 0, 1))


def write_flow_png(path: str | os.PathLike[str], flow: Tensor) -> None:
    """Write flow to a 16-bit PNG.

    Args:
        path: The file; an existing one is replaced.
        flow: 2×H×W, pixels, x then y; NaN where unknown.

    Raises:
        MediaError: The file cannot be written.
        ValueError: The shape is not that of a flow, or a component is out of range.
    """
    if flow.dim() != 3 or flow.shape[0] != 2:
        raise ValueError(f"flow has shape {tuple(flow.shape)}; expected 2×H×W")
    if not fits_png(flow):
        raise ValueError(f"flow of more than {_MAX_FLOW:.2f} pixels does not fit into 16 bits")
    values = flow.detach().cpu().float().numpy()
    known = np.isfinite(values).all(axis=0)
    levels = np.where(known, np.rint(values * _STEPS_PER_PIXEL) + _ZERO, 0).astype(np.uint16)
    _encode(Path(path), np.dstack((known.astype(np.uint16), levels[1], levels[0])))


def read_mask_png(path: str | os.PathLike[str]) -> Tensor:
    """Read a mask: float32 tensor 1×H×W, 1 where the value is above 127, else 0.

    Raises:
        MediaError: The file cannot be read, is damaged, or is not an 8-bit grayscale PNG.
    """
    path = Path(path)
    values = _decode(path)
    if values.dtype != np.uint8 or values.ndim != 2:
        raise MediaError(f"{path} is not a mask; expected a grayscale PNG of 8 bits")
    return torch.from_numpy((values > 127).astype(np.float32))[None]


def write_mask_png(path: str | os.PathLike[str], mask: Tensor) -> None:
    """Write a mask, 1×H×W, 1 where trusted.

    Raises:
        MediaError: The file cannot be written.
        ValueError: The shape is not that of a mask.
    """
    if mask.dim() != 3 or mask.shape[0] != 1:
        raise ValueError(f"mask has shape {tuple(mask.shape)}; expected 1×H×W")
    _encode(Path(path), (mask[0].detach().cpu().numpy() > 0.5).astype(np.uint8) * np.uint8(255))


def _decode(path: Path) -> np.ndarray:
    import cv2  # here, so that listing the estimators does not load OpenCV

    try:
        data = path.read_bytes()
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror or error}") from error
    # OpenCV's result for a damaged file depends on its version, and it prints warnings.
    _check_chunks(path, data)
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise MediaError(f"{path} is damaged: its pixels cannot be decoded")
    return values


def _check_chunks(path: Path, data: bytes) -> None:
    if not data.startswith(_SIGNATURE) or data[12:16] != b"IHDR":
        raise MediaError(f"{path} is not a PNG file")
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if not 1 <= width * height <= _MAX_PIXELS:
        raise MediaError(
            f"{path} has the size {width}×{height}; expected 1 to {_MAX_PIXELS:,} pixels in all"
        )
    start = len(_SIGNATURE)
    while start + 12 <= len(data):
        end = start + 8 + int.from_bytes(data[start : start + 4], "big")
        kind = data[start + 4 : start + 8]
        if zlib.crc32(data[start + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            break
        if kind == b"IEND":
            return
        start = end + 4
    raise MediaError(f"{path} is cut short or damaged")


def _encode(path: Path, values: np.ndarray) -> None:
    import cv2

    # With run-length encoding files are as small as at compression level 6, in a sixth of the time.
    options = [cv2.IMWRITE_PNG_COMPRESSION, 3, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    _, data = cv2.imencode(".png", values, options)
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise MediaError(f"cannot write {path}: {error.strerror or error}") from error
