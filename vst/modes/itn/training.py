"""Training itn on photographs: algorithm 1 of the thesis; or on the pictures of another network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vst.losses import PerceptualLoss
from vst.modes.itn.config import ItnRecipe
from vst.modes.teacher import create_teacher
from vst.modes.training import TrainingStep, arithmetic, uncompiled
from vst.nn.style_network import StyleNetwork


class ItnStep(TrainingStep):
    """Losses of a batch of photographs: α content + β style, or the distance from a teacher's pictures."""

    def __init__(
        self,
        recipe: ItnRecipe,
        network: StyleNetwork,
        perceptual: PerceptualLoss,
        compiled: Callable[[Any], Any] = uncompiled,
    ) -> None:
        super().__init__(recipe, network, perceptual)
        self._forward = compiled(network)
        self._teacher = create_teacher(recipe, network, compiled)

    def photo_losses(self, batch: dict[str, Tensor], mix: Tensor, frames: Tensor) -> dict[str, Tensor]:
        """See `TrainingStep.photo_losses`."""
        frames = frames.contiguous(memory_format=torch.channels_last)
        if self._teacher is None:
            return super().photo_losses(batch, mix, frames)
        repeated = (frames * 2 - 1).repeat_interleave(len(mix) // len(frames), 0)
        with torch.no_grad(), arithmetic(self.recipe, frames.device):
            target = self._teacher(repeated, mix).float()
        distance = picture_distance(self.stylize_alone(repeated, mix).float(), target)
        return {"total": distance, "distance": distance.detach()}

    def sequence_losses(self, batch: dict[str, Tensor], mix: Tensor) -> dict[str, Tensor]:
        """There are no sequences."""
        raise NotImplementedError("itn is trained on photographs")

    def stylize_alone(self, frames: Tensor, mix: Tensor) -> Tensor:
        """See `TrainingStep.stylize_alone`."""
        with arithmetic(self.recipe, frames.device):
            output: Tensor = self._forward(frames, mix)
        return output


def picture_distance(pictures: Tensor, targets: Tensor) -> Tensor:
    """Mean absolute difference of pictures and, with double weight, of their gradients.

    Args:
        pictures: B×3×H×W.
        targets: B×3×H×W.
    """
    difference = pictures - targets
    across, down = difference.diff(dim=-1), difference.diff(dim=-2)
    return difference.abs().mean() + 2 * (across.abs().mean() + down.abs().mean())
