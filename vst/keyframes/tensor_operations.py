"""Operations on fields as tensors on any device: nothing but single numbers leaves it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vst.motion.fields import ROUNDING, luma_tensor

_FRACTIONS = 32
"""Of a pixel."""

_REACH = 4
"""Pixels to each side that Lanczos over 8×8 pixels reaches."""


@dataclass(frozen=True, slots=True)
class TensorOperations:
    """See `vst.keyframes.operations.Operations`.

    Attributes:
        device: Where fields are.
    """

    device: torch.device

    def field(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.device, torch.float32).permute(1, 2, 0)

    def tensor(self, field: Tensor) -> Tensor:
        return _planes(field)[0].contiguous()

    def saved(self, field: Tensor) -> Tensor:
        return field.contiguous().cpu()

    def restored(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.device)

    def luma(self, image: Tensor) -> Tensor:
        return luma_tensor(image.to(self.device))

    def gray(self, image: Tensor) -> Tensor:
        red, green, blue = image.unbind(-1)
        return red * 0.299 + green * 0.587 + blue * 0.114

    def floats(self, field: Tensor) -> Tensor:
        return field.float()

    def bytes(self, mask: Tensor) -> Tensor:
        return mask.to(torch.uint8)

    def integers(self, field: Tensor) -> Tensor:
        return field.to(torch.int16)

    def zeros(self, height: int, width: int, *channels: int) -> Tensor:
        return torch.zeros(height, width, *channels, device=self.device)

    def stacked(self, *fields: Tensor) -> Tensor:
        return torch.dstack(fields)

    def where(self, mask: Tensor, yes: Tensor, no: Tensor) -> Tensor:
        mask = mask != 0
        return torch.where(mask[..., None] if yes.dim() == 3 else mask, yes, no)

    def times(self, field: Tensor, weights: Tensor) -> Tensor:
        return field * weights[..., None]

    def larger(self, one: Tensor, other: Tensor) -> Tensor:
        return torch.maximum(one, other)

    def root(self, field: Tensor) -> Tensor:
        return field.sqrt()

    def share(self, mask: Tensor) -> float:
        return float(mask.float().mean())

    def median(self, values: Tensor) -> Tensor:
        ordered = values.flatten().sort().values
        return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2

    def places(self, flow: Tensor) -> Tensor:
        return flow + _grid(*flow.shape[:2], flow.device)

    def few(self, mask: Tensor) -> None:
        # How many they are would have to be waited for.
        return None

    def sample(self, field: Tensor, places: Tensor, *, nearest: bool = False) -> Tensor:
        height, width = field.shape[:2]
        if nearest:
            x, y = places.round().unbind(-1)
            return field[y.clamp(0, height - 1).long(), x.clamp(0, width - 1).long()]
        if field.shape[2:] == (2,):
            # OpenCV rounds coordinates to this where there are two channels (before version 5, always).
            places = (places * _FRACTIONS).round() / _FRACTIONS
        sampled = _sampled(field, places, "bilinear")
        # Half is rounded up, as OpenCV does.
        return sampled if field.is_floating_point() else (sampled + 0.5).floor().to(field.dtype)

    def is_inside(self, places: Tensor, height: int, width: int) -> Tensor:
        x, y = places.unbind(-1)
        across = (x >= -ROUNDING) & (x <= width - 1 + ROUNDING)
        return across & (y >= -ROUNDING) & (y <= height - 1 + ROUNDING)

    def doubled(self, field: Tensor) -> Tensor:
        height, width, channels = field.shape
        doubled = field.new_empty(2 * height, 2 * width, channels)
        # One after the other, which takes less memory.
        for channel in range(channels):
            wide = _doubled_along_rows(field[..., channel])
            doubled[..., channel] = _doubled_along_rows(wide.mT).mT
        return doubled

    def sample_doubled(self, doubled: Tensor, flow: Tensor) -> Tensor:
        places = 2 * (flow + _grid(*flow.shape[:2], flow.device)) + 0.5
        return _sampled(doubled, places, "bicubic")

    def mean_around(self, field: Tensor, side: int) -> Tensor:
        height, width = field.shape[:2]
        rows, columns = (_mirrored(length, side // 2, field.device) for length in (height, width))
        padded = field.float()[rows[:, None], columns]
        return _like(field, F.avg_pool2d(_planes(padded), side, stride=1))

    def majority(self, mask: Tensor, side: int) -> Tensor:
        padded = F.pad(_planes(mask.float()), (side // 2,) * 4, mode="replicate")
        return _like(mask, F.avg_pool2d(padded, side, stride=1) > 0.5).to(torch.uint8)

    def opened(self, mask: Tensor, side: int) -> Tensor:
        return self.widened(1 - self.widened(1 - mask, side), side)

    def widened(self, mask: Tensor, side: int) -> Tensor:
        pooled = F.max_pool2d(_planes(mask.float()), side, stride=1, padding=side // 2)
        return _like(mask, pooled).to(torch.uint8)

    def resized(self, field: Tensor, height: int, width: int) -> Tensor:
        planes = F.interpolate(_planes(field), (height, width), mode="bilinear", align_corners=False)
        return _like(field, planes)

    def resized_mask(self, mask: Tensor, height: int, width: int) -> Tensor:
        rows, columns = (
            # In OpenCV's order: rounding decides where a quotient is whole.
            (torch.arange(length, device=mask.device, dtype=torch.float64) * (1 / (length / own))).long()
            for length, own in zip((height, width), mask.shape, strict=True)
        )
        return mask[rows[:, None], columns]

    def quartered(self, field: Tensor) -> Tensor:
        rows, columns = (_quarters(side, field.device) for side in field.shape)
        return rows @ field @ columns.mT


def _planes(field: Tensor) -> Tensor:
    """H×W×C or H×W as 1×C×H×W."""
    return field[None, None] if field.dim() == 2 else field.permute(2, 0, 1)[None]


def _pixels(planes: Tensor) -> Tensor:
    """1×C×H×W as H×W×C."""
    return planes[0].permute(1, 2, 0)


def _like(field: Tensor, planes: Tensor) -> Tensor:
    """1×C×H×W with as many dimensions as a field."""
    return planes[0, 0] if field.dim() == 2 else _pixels(planes)


@lru_cache(maxsize=4)
def _grid(height: int, width: int, device: torch.device) -> Tensor:
    """The coordinates of all pixels, H×W×2 float32, x then y."""
    x, y = (torch.arange(side, device=device, dtype=torch.float32) for side in (width, height))
    return torch.stack((x.expand(height, width), y[:, None].expand(height, width)), dim=-1)


def _sampled(field: Tensor, places: Tensor, mode: Literal["bilinear", "bicubic"]) -> Tensor:
    """A field at some places, h×w×2, x then y, float32."""
    height, width = field.shape[:2]
    # No kernel reaches further than two pixels, and a distant coordinate would overflow its integer.
    x, y = (each.clamp(-3, side + 2) for each, side in zip(places.unbind(-1), (width, height), strict=True))
    corners = torch.stack((x * (2 / max(width - 1, 1)) - 1, y * (2 / max(height - 1, 1)) - 1), dim=-1)
    planes = F.grid_sample(
        _planes(field.float()), corners[None], mode=mode, padding_mode="border", align_corners=True
    )
    return _like(field, planes)


def _mirrored(length: int, margin: int, device: torch.device) -> Tensor:
    """Indices from -margin to length + margin, mirrored in the first and the last pixel."""
    period = max(2 * (length - 1), 1)
    there = torch.arange(-margin, length + margin, device=device) % period
    return torch.minimum(there, period - there) if length > 1 else torch.zeros_like(there)


@lru_cache(maxsize=4)
def _quarters(side: int, device: torch.device) -> Tensor:
    """What OpenCV takes of so many pixels for each of a quarter as many, n×side."""
    size = (side, max(side // 4, 1))
    weights = cv2.resize(np.eye(side, dtype=np.float32), size, interpolation=cv2.INTER_AREA)
    return torch.from_numpy(weights).to(device)


@lru_cache(maxsize=1)
def _lanczos() -> list[list[float]]:
    """What OpenCV takes of the nine pixels around one, for each of the two that replace it."""
    side = 2 * _REACH + 1
    weights = cv2.resize(np.eye(side, dtype=np.float32), (side, 2 * side), interpolation=cv2.INTER_LANCZOS4)
    return weights[2 * _REACH : 2 * _REACH + 2].tolist()


def _doubled_along_rows(field: Tensor) -> Tensor:
    """H×W to H×2W."""
    height, width = field.shape
    padded = F.pad(field[None, None], (_REACH, _REACH, 0, 0), mode="replicate")[0, 0]
    doubled = field.new_zeros(height, width, 2)
    # Not a convolution: cuDNN rounds what it multiplies to ten bits by default.
    for half, weights in zip(doubled.unbind(-1), _lanczos(), strict=True):
        for place, weight in enumerate(weights):
            half.add_(padded[:, place : place + width], alpha=weight)
    return doubled.flatten(-2)
