"""PWC-Net as an estimator."""

from __future__ import annotations

import torch

from vst.motion.estimators.network_estimator import NetworkEstimator
from vst.motion.imported.flow_weights import load_flow_network


class PWCNetEstimator(NetworkEstimator):
    """PWC-Net with its imported weights. Resizes to multiples of 64, like NVlabs' script.

    Args:
        name: Name in the registry.
        device: Where it runs.
        precision: Precision of its features.

    Raises:
        WeightsError: Its weights are not imported, or damaged.
    """

    def __init__(self, name: str, device: torch.device, precision: torch.dtype) -> None:
        super().__init__(name, load_flow_network(name).to(device), device, precision)
