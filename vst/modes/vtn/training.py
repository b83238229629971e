"""Training vtn on sequences: algorithm 2 of the thesis, mixed and unrolled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vst.losses import PerceptualLoss, detail_loss, temporal_loss
from vst.modes.teacher import create_teacher
from vst.modes.training import UnrolledStep, arithmetic, to_unit, uncompiled
from vst.modes.vtn.config import VtnRecipe
from vst.modes.vtn.network import VTN
from vst.motion import warp


class VtnStep(UnrolledStep):
    """Losses of one batch: α content + β style + γ temporal (thesis, eq. 5.8)."""

    def __init__(
        self,
        recipe: VtnRecipe,
        network: VTN,
        perceptual: PerceptualLoss,
        compiled: Callable[[Any], Any] = uncompiled,
    ) -> None:
        super().__init__(recipe, network, perceptual)
        self._network, self._forward = network, compiled(network)
        self._teacher = create_teacher(recipe, network, compiled)

    @staticmethod
    def extras(recipe: VtnRecipe, length: int, warm_up: int, rng: np.random.Generator) -> dict[str, Tensor]:
        """`kept_share`, a scalar: see `VtnRecipe.ungated`."""
        return {"kept_share": torch.tensor(float(rng.random() >= recipe.ungated))} if recipe.gate else {}

    def stylize_alone(self, frames: Tensor, mix: Tensor) -> Tensor:
        """See `TrainingStep.stylize_alone`."""
        return self.stylize(frames, frames.new_zeros(len(frames), 4, *frames.shape[2:]), mix)

    def unroll(self, batch: dict[str, Tensor], mix: Tensor) -> tuple[Tensor, Tensor]:
        """Stylize the sequences, outputs fed to the frames after them, with gradients through time.

        The temporal loss holds each output against the one before it by the true motion.

        Returns:
            The outputs after warming up, B×unroll×3×S×S, −1..1, and the mean temporal loss.
        """
        if "kept_share" in batch:
            self._network.kept_share.copy_(batch["kept_share"])
        warm_up = int(batch["warm_up"])
        seen = to_unit(batch["seen"]) * 2 - 1
        outputs: list[Tensor] = []
        errors: list[Tensor] = []
        for t in range(seen.shape[1]):
            with torch.set_grad_enabled(t >= warm_up):
                output = self.stylize(seen[:, t], self.past(batch, outputs, t), mix).float()
                if t >= warm_up and t > 0:
                    warped = warp(outputs[-1], batch["true_flow"][:, t], mode="bicubic")
                    errors.append(temporal_loss(output, warped, batch["true_mask"][:, t]))
                outputs.append(output)
        return torch.stack(outputs[warm_up:], 1), torch.stack(errors).mean()

    def frame_losses(self, batch: dict[str, Tensor], mix: Tensor, outputs: Tensor) -> dict[str, Tensor]:
        """See `UnrolledStep.frame_losses`; with a teacher, also how much detail there is."""
        losses = super().frame_losses(batch, mix, outputs)
        if self._teacher is None:
            return losses
        chosen = batch["loss_frames"]
        frames = batch["frames"][:, int(batch["warm_up"]) :][:, chosen].flatten(0, 1)
        mixes = mix.repeat_interleave(len(chosen), 0)
        with torch.no_grad(), arithmetic(self.recipe, frames.device):
            inputs = (to_unit(frames) * 2 - 1).contiguous(memory_format=torch.channels_last)
            pictures = self._teacher(inputs, mixes)
        detail = detail_loss(outputs[:, chosen].flatten(0, 1), pictures)
        losses["total"] = losses["total"] + self.recipe.detail_weight * detail
        losses["detail"] = detail.detach()
        return losses

    @staticmethod
    def past(batch: dict[str, Tensor], outputs: list[Tensor], t: int) -> Tensor:
        """The past of frame t from the output before it, as in a render: B×4×S×S, image and mask.

        The image is 0 where there is none.
        """
        if t == 0:
            return torch.zeros_like(batch["seen"][:, t, :1], dtype=torch.float32).repeat(1, 4, 1, 1)
        mask = batch["mask"][:, t]
        return torch.cat((mask * warp(outputs[t - 1], batch["flow"][:, t], mode="bicubic"), mask), 1)

    def stylize(self, frame: Tensor, past: Tensor, mix: Tensor) -> Tensor:
        """One frame, B×3×S×S, with its past, B×4×S×S.

        Args:
            frame: −1..1.
            past: See `past`.
            mix: B×S.
        """
        inputs = torch.cat((frame, past), dim=1).contiguous(memory_format=torch.channels_last)
        with arithmetic(self.recipe, frame.device):
            output: Tensor = self._forward(inputs, mix)
        return output
