"""The FlowNet2 family as estimators."""

from __future__ import annotations

import torch
from torch import Tensor

from vst.motion.estimators.flownet2 import centred
from vst.motion.estimators.network_estimator import NetworkEstimator
from vst.motion.imported.flow_weights import load_flow_network


class FlowNet2Estimator(NetworkEstimator):
    """A network of the family with its imported weights.

    Frames are resized to multiples of 64, like in the authors' code.

    Args:
        name: Name in the registry, such as ``"flownet2-cs"``.
        device: Where it runs.
        precision: Precision of its features.

    Raises:
        WeightsError: Its weights are not imported, or damaged.
    """

    def __init__(self, name: str, device: torch.device, precision: torch.dtype) -> None:
        super().__init__(name, load_flow_network(name).to(device), device, precision)

    def _normalise(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        return centred(first, second)
