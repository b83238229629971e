"""Scene-linear RGB and display-referred R'G'B' (IEC 61966-2-1, sRGB), for hosts that work in linear RGB."""

from __future__ import annotations

import torch
from torch import Tensor

_LINEAR_BELOW = 0.0031308
_SLOPE = 12.92
_OFFSET = 0.055
_POWER = 2.4


def to_display(linear: Tensor) -> Tensor:
    """Linear RGB to R'G'B'; extended above 1, and point-symmetrically below 0."""
    size = linear.abs()
    curved = (1 + _OFFSET) * size.clamp_min(_LINEAR_BELOW) ** (1 / _POWER) - _OFFSET
    return torch.where(size <= _LINEAR_BELOW, _SLOPE * linear, torch.copysign(curved, linear))


def to_linear(display: Tensor) -> Tensor:
    """R'G'B' to linear RGB, the inverse of `to_display`."""
    size = display.abs()
    curved = ((size + _OFFSET) / (1 + _OFFSET)) ** _POWER
    return torch.where(size <= _LINEAR_BELOW * _SLOPE, display / _SLOPE, torch.copysign(curved, display))
