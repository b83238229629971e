"""Fields over a frame as NumPy arrays, H×W×C, which OpenCV works on without a copy."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

Array = np.ndarray

ROUNDING = 5e-4
"""Pixels by which flow may point outside of a frame and still count as inside."""


_LUMA = (0.299, 0.587, 0.114)


@lru_cache(maxsize=4)
def grid(height: int, width: int) -> Array:
    """The coordinates of all pixels, H×W×2 float32, x then y."""
    y, x = np.mgrid[0:height, 0:width]
    places = np.stack((x, y), axis=-1).astype(np.float32)
    places.flags.writeable = False
    return places


def places(flow: Array) -> Array:
    """p + flow(p) for every pixel p, H×W×2, x then y."""
    found: Array = flow + grid(*flow.shape[:2])
    return found


def sample(field: Array, flow: Array) -> Array:
    """A field at p + flow(p) for every pixel p, bilinear; the border pixel is repeated outside."""
    return sample_at(field, places(flow))


def sample_at(field: Array, where: Array, interpolation: int = cv2.INTER_LINEAR) -> Array:
    """A field at some places, h×w×2, x then y; the border pixel is repeated outside."""
    # None is "both coordinates are in one map"; OpenCV's type hints do not allow it.
    return cv2.remap(  # type: ignore[call-overload]
        field, where, None, interpolation, borderMode=cv2.BORDER_REPLICATE
    )


def is_inside(where: Array, height: int, width: int) -> Array:
    """Whether places, h×w×2, lie in a frame, h×w bool."""
    # Flow that was estimated as 0 ± rounding stays inside.
    lowest, highest = (-ROUNDING, -ROUNDING), (width - 1 + ROUNDING, height - 1 + ROUNDING)
    inside: Array = cv2.inRange(where, lowest, highest) > 0
    return inside


def to_array(tensor: Tensor) -> Array:
    """C×H×W to H×W×C float32, contiguous."""
    return np.ascontiguousarray(tensor.permute(1, 2, 0).float().cpu().numpy())


def to_tensor(array: Array) -> Tensor:
    """H×W×C or H×W to C×H×W, contiguous."""
    planes = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(planes))


def luma_of(image: Tensor) -> Array:
    """`luma_tensor` on the CPU: one byte a pixel comes from a GPU."""
    return luma_tensor(image).cpu().numpy()


def luma_tensor(image: Tensor) -> Tensor:
    """BT.601 luma of a frame, 3×H×W, 0..1, as H×W uint8, rounded once."""
    red, green, blue = image.float()
    luma = (red * (255 * _LUMA[0])).add_(green, alpha=255 * _LUMA[1]).add_(blue, alpha=255 * _LUMA[2])
    return luma.round_().clamp_(0, 255).to(torch.uint8)
