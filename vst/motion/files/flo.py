"""Middlebury .flo files (Baker et al. 2011, A Database and Evaluation Methodology for Optical Flow).

Little-endian: the float 202021.25 (whose bytes read "PIEH"), int32 width, int32 height, then height × width
pairs of float32, x then y, row by row. A value above 1e9 means that the flow is unknown there.
"""

from __future__ import annotations

import contextlib
import os
import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vst.errors import MediaError
from vst.files import hidden_name

_TAG = 202021.25
_HEADER = struct.Struct("<fii")
_MAX_KNOWN = 1e9
_UNKNOWN_VALUE = 1e10
_MAX_SIDE = 32768


def read_flo(path: str | os.PathLike[str]) -> Tensor:
    """Read flow from a .flo file.

    Returns:
        Float32 tensor 2×H×W, pixels, x then y; NaN in both components where the flow is unknown, which
        ``warp`` and ``consistency_mask`` accept.

    Raises:
        MediaError: The file cannot be read, is not a .flo file, or its length does not fit its width and
            height.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size or struct.unpack("<f", header[:4])[0] != _TAG:
                raise MediaError(f"{path} is not a .flo file; expected one that begins with 'PIEH'")
            _, width, height = _HEADER.unpack(header)
            if not (1 <= width <= _MAX_SIDE and 1 <= height <= _MAX_SIDE):
                raise MediaError(
                    f"{path} has the size {width}×{height}; expected sides of 1 to {_MAX_SIDE}"
                )
            # The length is checked before anything of that size is allocated.
            expected = width * height * 8
            length = os.fstat(file.fileno()).st_size - _HEADER.size
            if length != expected:
                raise MediaError(
                    f"{path} holds {length} bytes of flow; expected {expected} for {width}×{height}: "
                    "it is cut short or damaged"
                )
            data = file.read(expected)
    except OSError as error:
        raise MediaError(f"cannot read flow from {path}: {error.strerror or error}") from error
    if len(data) != expected:
        raise MediaError(f"{path} ended after {len(data)} of {expected} bytes of flow")
    flow = np.frombuffer(data, dtype="<f4").reshape(height, width, 2).transpose(2, 0, 1).astype(np.float32)
    unknown = ~(np.abs(flow) <= _MAX_KNOWN).all(axis=0)
    flow[:, unknown] = np.nan
    return torch.from_numpy(flow)


def write_flo(path: str | os.PathLike[str], flow: Tensor) -> None:
    """Write flow to a .flo file, atomically.

    Args:
        path: The file; an existing one is replaced.
        flow: 2×H×W, pixels, x then y; NaN where unknown.

    Raises:
        MediaError: The file cannot be written.
        ValueError: The shape is not that of a flow.
    """
    if flow.dim() != 3 or flow.shape[0] != 2:
        raise ValueError(f"flow has shape {tuple(flow.shape)}; expected 2×H×W")
    path = Path(path)
    height, width = flow.shape[-2:]
    values = flow.detach().cpu().float().numpy().transpose(1, 2, 0)
    known = (np.abs(values) <= _MAX_KNOWN).all(axis=2, keepdims=True)
    body = np.where(known, values, np.float32(_UNKNOWN_VALUE)).astype("<f4").tobytes()
    temporary = path.with_name(hidden_name(path.name, f".{os.getpid()}.part"))
    try:
        temporary.write_bytes(_HEADER.pack(_TAG, width, height) + body)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise MediaError(f"cannot write flow to {path}: {error.strerror or error}") from error
