"""What a step of training the refinement of flow minimises."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.motion.estimators.refined.refinement_network import (
    InitialFlows,
    RefinementNetwork,
    apply_correction,
    network_input,
)
from vst.train.flow_recipe import FlowRecipe

_TINY = 1e-4
"""Pixels squared: keeps the gradient of an error of nothing finite."""

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


class FlowStep:
    """End-point error at five sizes (Dosovitskiy et al. 2015, section 4), relative to what `dis` leaves.

    Each crop's error is divided by that of `dis` there plus ``recipe.ease`` pixels; else the few crops with
    large motion would be all that counts.

    Args:
        recipe: Its weights and precision.
        network: What is trained.
    """

    def __init__(self, recipe: FlowRecipe, network: RefinementNetwork) -> None:
        self._recipe, self._network = recipe, network

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Losses of a batch of ``FlowBatches``: `total`, and in pixels `epe` and what `dis` has, `dis`."""
        recipe = self._recipe
        first, second = (batch["frames"].float() / 255).unbind(1)
        truth, exact, bold, back = batch["flow"].unbind(1)
        seen = network_input(first, second, InitialFlows(exact, bold, back))
        seen = seen.contiguous(memory_format=torch.channels_last)
        kind = _TYPES[recipe.precision]
        with torch.autocast(seen.device.type, dtype=kind, enabled=kind != torch.float32):
            levels = self._network.levels(seen)
        finest, before = _error(apply_correction(levels[0], exact, bold), truth), _error(exact, truth)
        ease = 1 / (before + recipe.ease)
        total, weights = (finest * ease).mean(), 1.0
        for k, prediction in enumerate(levels[1:], start=1):
            true, *small = (_shrunk(flow, prediction) for flow in (truth, exact, bold))
            weight = recipe.coarse_weight**k
            total = total + weight * (_error(apply_correction(prediction, *small), true) * ease).mean()
            weights += weight
        return {"total": total / weights, "epe": finest.mean(), "dis": before.mean()}


def _error(flow: Tensor, truth: Tensor) -> Tensor:
    """Mean end-point error of each crop, B, in pixels."""
    return ((flow - truth).square().sum(1) + _TINY).sqrt().mean((1, 2))


def _shrunk(flow: Tensor, like: Tensor) -> Tensor:
    """Flow at the size of a prediction: means of squares, still in pixels of the frame."""
    return F.avg_pool2d(flow, flow.shape[-1] // like.shape[-1])
