"""Training itn on photographs: algorithm 1 of the thesis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vst.losses import PerceptualLoss
from vst.modes.itn.config import ItnRecipe
from vst.modes.training import TrainingStep, arithmetic, uncompiled
from vst.nn.style_network import StyleNetwork


class ItnStep(TrainingStep):
    """Losses of one batch of photographs: α content + β style."""

    def __init__(
        self,
        recipe: ItnRecipe,
        network: StyleNetwork,
        perceptual: PerceptualLoss,
        compiled: Callable[[Any], Any] = uncompiled,
    ) -> None:
        super().__init__(recipe, network, perceptual)
        self._forward = compiled(network)

    def photo_losses(self, batch: dict[str, Tensor], mix: Tensor, frames: Tensor) -> dict[str, Tensor]:
        """See `TrainingStep.photo_losses`."""
        return super().photo_losses(batch, mix, frames.contiguous(memory_format=torch.channels_last))

    def sequence_losses(self, batch: dict[str, Tensor], mix: Tensor) -> dict[str, Tensor]:
        """There are no sequences."""
        raise NotImplementedError("itn is trained on photographs")

    def stylize_alone(self, frames: Tensor, mix: Tensor) -> Tensor:
        """See `TrainingStep.stylize_alone`."""
        with arithmetic(self.recipe, frames.device):
            output: Tensor = self._forward(frames, mix)
        return output
