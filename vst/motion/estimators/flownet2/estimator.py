"""The FlowNet2 family as estimators."""

from __future__ import annotations

import torch
from torch import Tensor

from vst.motion.estimators.flownet2 import centred
from vst.motion.estimators.network_estimator import NetworkEstimator
from vst.motion.imported.weights import load_network


class FlowNet2Estimator(NetworkEstimator):
    """One of the family, with its imported weights. Resizes to multiples of 64, as the authors' code does.

    Args:
        name: As in the registry, such as ``"flownet2-cs"``.
        device: Where it runs.
        precision: Of its features.

    Raises:
        WeightsError: Its weights are not imported, or damaged.
    """

    def __init__(self, name: str, device: torch.device, precision: torch.dtype) -> None:
        super().__init__(name, load_network(name).to(device), device, precision)

    def _normalise(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        return centred(first, second)
