"""itn: every frame for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from vst.frame import Frame, Motion
from vst.modes.memory import Need
from vst.modes.painter import Painter, from_network, to_network


class ItnMode:
    """The feed-forward image transformation network, frame by frame, without memory."""

    distances: tuple[int, ...] = ()

    def __init__(self, painter: Painter) -> None:
        self._painter = painter

    def reset(self) -> None:
        """Nothing to forget."""

    def step(self, frame: Frame, motions: Mapping[int, Motion]) -> Tensor:
        """See `Mode.step`; motions are not looked at."""
        return self.step_batch([frame])[0]

    def step_batch(self, frames: Sequence[Frame]) -> list[Tensor]:
        """See `StatelessMode.step_batch`."""
        images = torch.stack([to_network(frame.image) for frame in frames])
        return list(from_network(self._painter(images)))

    def need(self, width: int, height: int) -> Need:
        """See `PredictableMode.need`."""
        return self._painter.need(height, width)

    def snapshot(self) -> None:
        """There is no state."""

    def restore(self, state: None) -> None:
        """There is no state."""
