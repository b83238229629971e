"""PWC-Net as an estimator."""

from __future__ import annotations

import torch

from vst.motion.estimators.network_estimator import NetworkEstimator
from vst.motion.imported.weights import load_network


class PWCNetEstimator(NetworkEstimator):
    """PWC-Net with its imported weights. Resizes to multiples of 64, as NVlabs' script does.

    Args:
        name: As in the registry.
        device: Where it runs.
        precision: Of its features.

    Raises:
        WeightsError: Its weights are not imported, or damaged.
    """

    def __init__(self, name: str, device: torch.device, precision: torch.dtype) -> None:
        super().__init__(name, load_network(name).to(device), device, precision)
