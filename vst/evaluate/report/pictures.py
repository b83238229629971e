"""The worst frames as pictures inside of a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vst.evaluate.worst import WorstFrame
from vst.motion.estimator import to_bytes

_HIGHEST = 0.995
"""This part of the errors is within the scale."""

_UNTRUSTED = 0.35
"""Brightness of what is not judged, shown in grey."""


def heat_scale(frames: Iterable[WorstFrame]) -> float:
    """The error that gets the brightest colour, the same for all frames; 0..1."""
    highest = [float(np.quantile(each.errors.numpy(), _HIGHEST)) for each in frames]
    return max([*highest, 1 / 255])


def heat_map(frame: WorstFrame, scale: float) -> Tensor:
    """Where the error is, from black by red to yellow; what is not judged is the painting in dark grey.

    Returns:
        3×h×w, 0..1.
    """
    level = to_bytes(frame.errors[0] / scale).numpy()
    colours = cv2.applyColorMap(level, cv2.COLORMAP_INFERNO)[..., ::-1]
    hot = torch.from_numpy(np.ascontiguousarray(colours)).permute(2, 0, 1).float() / 255
    grey = frame.painting.float().mean(dim=0, keepdim=True) / 255 * _UNTRUSTED
    return torch.where(frame.mask >= 0.5, hot, grey)


def heat_bar() -> Tensor:
    """The colours of a heat map from nothing to the scale, 3×1×256, 0..1."""
    colours = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], cv2.COLORMAP_INFERNO)[..., ::-1]
    return torch.from_numpy(np.ascontiguousarray(colours)).permute(2, 0, 1).float() / 255


def data_uri(picture: Tensor) -> str:
    """A picture, 3×h×w, 0..1 or in 8 bits, as an address that holds it."""
    pixels = Image.fromarray(to_bytes(picture).permute(1, 2, 0).contiguous().numpy())
    stream = io.BytesIO()
    pixels.save(stream, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
