"""Error maps of the worst frames, and images embedded in the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vst.evaluate.worst_frames import WorstFrame
from vst.evaluate.worst_texture import WorstTexture
from vst.motion.estimator import to_bytes

_QUANTILE = 0.995
"""Share of the errors within the scale."""

_UNTRUSTED = 0.35
"""Brightness of pixels that are not compared, shown in grey."""


_SOFT, _ROUGH = (0.3, 0.6, 1.0), (1.0, 0.35, 0.25)
"""Colours of soft and rough windows."""


def heat_scale(frames: Iterable[WorstFrame]) -> float:
    """The error with the brightest colour, the same for all frames; 0..1."""
    highest = [float(np.quantile(each.errors.numpy(), _QUANTILE)) for each in frames]
    return max([*highest, 1 / 255])


def heat_map(frame: WorstFrame, scale: float) -> Tensor:
    """The error from black by red to yellow; pixels that are not compared show the output in dark grey.

    Returns:
        3×h×w, 0..1.
    """
    level = to_bytes(frame.errors[0] / scale).numpy()
    colours = cv2.applyColorMap(level, cv2.COLORMAP_INFERNO)[..., ::-1]
    hot = torch.from_numpy(np.ascontiguousarray(colours)).permute(2, 0, 1).float() / 255
    grey = frame.output.float().mean(dim=0, keepdim=True) / 255 * _UNTRUSTED
    return torch.where(frame.mask >= 0.5, hot, grey)


def texture_map(frame: WorstTexture) -> Tensor:
    """An output in dark grey, soft windows in blue, rough ones in red; 3×h×w, 0..1."""
    grey = frame.output.float().mean(dim=0, keepdim=True) / 255
    shown = (_UNTRUSTED * grey).repeat(3, 1, 1)
    for kind, colour in ((1, _SOFT), (2, _ROUGH)):
        tinted = (0.4 + 0.6 * grey) * torch.tensor(colour)[:, None, None]
        shown = torch.where(frame.kinds == kind, tinted, shown)
    return shown


def heat_bar() -> Tensor:
    """The colours of a heat map from nothing to the scale, 3×1×256, 0..1."""
    colours = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], cv2.COLORMAP_INFERNO)[..., ::-1]
    return torch.from_numpy(np.ascontiguousarray(colours)).permute(2, 0, 1).float() / 255


def data_uri(picture: Tensor) -> str:
    """An image, 3×h×w, 0..1 or in 8 bits, as a JPEG data URI."""
    pixels = Image.fromarray(to_bytes(picture).permute(1, 2, 0).contiguous().numpy())
    stream = io.BytesIO()
    pixels.save(stream, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
