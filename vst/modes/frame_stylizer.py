"""The stylizer of modes that stylize each frame by itself."""

from __future__ import annotations

import torch
from torch import Tensor

from vst.frame import Frame, Past
from vst.modes.backend_choice import BackendChoice
from vst.modes.network_runner import NetworkRunner, to_network
from vst.modes.tiling import MemoryEstimate


class FrameStylizer:
    """Stylizes frame by frame, without state."""

    every_frame = False
    whole_shot = False
    conditioned = False

    def __init__(self, network: NetworkRunner) -> None:
        self._network = network

    @property
    def device(self) -> torch.device:
        """Where the network is; see `vst.modes.stylizer.device_for`."""
        return self._network.device

    @property
    def backend(self) -> BackendChoice:
        """What runs the network."""
        return self._network.choice

    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        """See `Stylizer.stylize`; the past is ignored."""
        return self._network(to_network(frame.image)[None])[0].to(frame.image.device)

    def reset(self) -> None:
        """There is no state."""

    def snapshot(self) -> tuple[Tensor, ...]:
        """There is no state."""
        return ()

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """There is no state."""

    def memory(self, width: int, height: int) -> MemoryEstimate:
        """See `Stylizer.memory`."""
        return self._network.memory(height, width)
