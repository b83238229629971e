"""Operations on fields as NumPy arrays, with OpenCV."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

from vst.motion.fields import Array, grid, is_inside, luma_of, places, sample_at, to_array, to_tensor

_FEW, _ROW = 0.15, 256
"""The share of pixels that are worth gathering, and how many of them are in a row."""


class ArrayOperations:
    """See `vst.keyframes.operations.Operations`."""

    field = staticmethod(to_array)
    tensor = staticmethod(to_tensor)
    saved = staticmethod(torch.from_numpy)
    luma = staticmethod(luma_of)
    places = staticmethod(places)
    is_inside = staticmethod(is_inside)
    larger = staticmethod(np.maximum)
    root = staticmethod(np.sqrt)
    median = staticmethod(np.median)

    def restored(self, tensor: Tensor) -> Array:
        return tensor.cpu().numpy()

    def gray(self, image: Array) -> Array:
        return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)

    def floats(self, field: Array) -> Array:
        return field.astype(np.float32)

    def bytes(self, mask: Array) -> Array:
        return mask.view(np.uint8)

    def integers(self, field: Array) -> Array:
        return field.astype(np.int16)

    def zeros(self, height: int, width: int, *channels: int) -> Array:
        return np.zeros((height, width, *channels), np.float32)

    def stacked(self, *fields: Array) -> Array:
        return np.dstack(fields)

    def where(self, mask: Array, yes: Array, no: Array) -> Array:
        return cv2.copyTo(yes, mask.view(np.uint8), no)

    def times(self, field: Array, weights: Array) -> Array:
        # NumPy takes three times as long where it repeats weights along a short last axis by itself.
        return field * cv2.merge([weights] * field.shape[2])

    def share(self, mask: Array) -> float:
        return float(mask.mean())

    def few(self, mask: Array) -> Array | None:
        count = np.count_nonzero(mask)
        if count > _FEW * mask.size:
            return None
        # Rows, since OpenCV samples at most 32,766 of them.
        return np.resize(np.flatnonzero(mask), (-(-count // _ROW), _ROW))

    def sample(self, field: Array, places: Array, *, nearest: bool = False) -> Array:
        return sample_at(field, places, cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR)

    def doubled(self, field: Array) -> Array:
        return cv2.resize(field, None, fx=2, fy=2, interpolation=cv2.INTER_LANCZOS4)

    def sample_doubled(self, doubled: Array, flow: Array) -> Array:
        return sample_at(doubled, cv2.scaleAdd(flow, 2, _centres(*flow.shape[:2])), cv2.INTER_CUBIC)

    def mean_around(self, field: Array, side: int) -> Array:
        return cv2.blur(field, (side, side))

    def majority(self, mask: Array, side: int) -> Array:
        return cv2.medianBlur(mask, side)

    def opened(self, mask: Array, side: int) -> Array:
        return cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))

    def widened(self, mask: Array, side: int) -> Array:
        return cv2.dilate(mask, np.ones((side, side), np.uint8))

    def resized(self, field: Array, height: int, width: int) -> Array:
        return cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)

    def resized_mask(self, mask: Array, height: int, width: int) -> Array:
        return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)

    def quartered(self, field: Array) -> Array:
        height, width = field.shape
        return cv2.resize(field, (max(width // 4, 1), max(height // 4, 1)), interpolation=cv2.INTER_AREA)


ARRAYS = ArrayOperations()


@lru_cache(maxsize=4)
def _centres(height: int, width: int) -> Array:
    """Where the pixels of a field are in the doubled one, H×W×2: x between the pixels 2x and 2x + 1."""
    centres: Array = 2 * grid(height, width) + np.float32(0.5)
    return centres
