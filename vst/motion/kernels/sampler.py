"""Adapter of the package ``spatial-correlation-sampler``, which is used if it is installed.

It is C++ on the CPU, without normalisation, and returns B×D×D×H×W: dy, then dx.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor


@cache
def _sampler() -> Callable[..., Tensor] | None:
    try:
        module = importlib.import_module("spatial_correlation_sampler")
    except (ImportError, OSError):  # OSError: a binary that was built for another PyTorch
        return None
    function: Callable[..., Tensor] = module.spatial_correlation_sample
    return function


def sampler_supports(tensor: Tensor) -> bool:
    """Whether the package is installed and the maps are on the CPU, float32 or float64, and not empty."""
    supported = tensor.device.type == "cpu" and tensor.dtype in (torch.float32, torch.float64)
    return supported and tensor.numel() > 0 and _sampler() is not None


def sampler_correlation(a: Tensor, b: Tensor, reach: int, stride: int) -> Tensor:
    """``correlation`` by the package: B×D²×H×W, differentiable; only if ``sampler_supports``."""
    function = _sampler()
    assert function is not None
    costs = function(
        a.contiguous(),
        b.contiguous(),
        kernel_size=1,
        patch_size=2 * reach + 1,
        stride=1,
        padding=0,
        dilation_patch=stride,
    )
    return costs.flatten(1, 2) / a.shape[1]
