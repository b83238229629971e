"""Training vtn on sequences: algorithm 2 of the thesis, mixed and unrolled, with long-term memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vst.losses import PerceptualLoss, temporal_loss
from vst.modes.training import UnrolledStep, arithmetic, to_unit, uncompiled
from vst.modes.vtn.config import VtnRecipe
from vst.modes.vtn.network import VTN
from vst.motion import warp
from vst.motion.refresh import in_squares, squares


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
        self._forward = compiled(network)

    @staticmethod
    def extras(recipe: VtnRecipe, length: int, warm_up: int, rng: np.random.Generator) -> dict[str, Tensor]:
        """`shifts` B×A×2, by which the past is resampled, in pixels, x then y, 0 where there are fewer.

        With `VtnRecipe.refresh` also `refresh` B×T×1×S×S, 1 where nothing of the past is to be kept.
        """
        count, most = recipe.sequences, recipe.resamplings
        shifts = rng.uniform(-0.5, 0.5, (count, most, 2)).astype(np.float32)
        times = rng.integers(most + 1, size=(count, 1, 1))
        kept = np.arange(most)[None, :, None] < times
        extras = {"shifts": torch.from_numpy(shifts * kept)}
        if recipe.refresh:
            drawn = rng.random((count, length, *squares(recipe.size, recipe.size)))
            refresh = torch.from_numpy((drawn < recipe.refresh).astype(np.float32))
            extras["refresh"] = in_squares(refresh, recipe.size, recipe.size)[:, :, None]
        return extras

    def stylize_alone(self, frames: Tensor, mix: Tensor) -> Tensor:
        """See `TrainingStep.stylize_alone`."""
        return self.stylize(frames, frames.new_zeros(len(frames), 4, *frames.shape[2:]), mix)

    def unroll(self, batch: dict[str, Tensor], mix: Tensor) -> tuple[Tensor, Tensor]:
        """Stylize the sequences, outputs fed to the frames after them, with gradients through time.

        The temporal loss holds each output against the one before it by the true motion, and against what
        long-term memory brings from further back: what was hidden has to look the same again.

        Returns:
            The outputs after warming up, B×unroll×3×S×S, −1..1, and the mean temporal loss.
        """
        warm_up = int(batch["warm_up"])
        seen = to_unit(batch["seen"]) * 2 - 1
        outputs: list[Tensor] = []
        errors: list[Tensor] = []
        for t in range(seen.shape[1]):
            if t == warm_up > 0:
                outputs[-1] = resample(outputs[-1], batch["shifts"])
            with torch.set_grad_enabled(t >= warm_up):
                past, long_term = self.past(batch, outputs, t)
                # Contiguous: strides that follow the batch's length would each be compiled again.
                refresh = batch["refresh"][:, t].contiguous() if "refresh" in batch else None
                output = self.stylize(seen[:, t], past, mix, refresh).float()
                if t >= warm_up and t > 0:
                    warped = warp(outputs[-1], batch["true_flow"][:, t], mode="bicubic")
                    error = temporal_loss(output, warped, batch["true_mask"][:, t])
                    errors.append(error + temporal_loss(output, past[:, :3], long_term))
                outputs.append(output)
        return torch.stack(outputs[warm_up:], 1), torch.stack(errors).mean()

    def past(self, batch: dict[str, Tensor], outputs: list[Tensor], t: int) -> tuple[Tensor, Tensor]:
        """The past of frame t from earlier outputs, as in a render (see `vst.motion.warp_history`).

        Returns:
            The four channels of the past, B×4×S×S: image (0 where there is none) and mask; and where the
            image is from further back than the last frame, B×1×S×S.
        """
        image = torch.zeros_like(batch["seen"][:, t], dtype=torch.float32)
        mask = torch.zeros_like(image[:, :1])
        long_term = torch.zeros_like(mask)
        for k, distance in enumerate(self.recipe.distances):
            fill = batch["mask"][:, t, k] * (1 - mask)
            if distance > t or not fill.any():
                continue
            warped = warp(outputs[t - distance], batch["flow"][:, t, k], mode="lanczos")
            image = image + fill * warped
            mask = mask + fill
            if distance > 1:
                long_term = long_term + fill
        return torch.cat((image, mask), 1), long_term

    def stylize(self, frame: Tensor, past: Tensor, mix: Tensor, refresh: Tensor | None = None) -> Tensor:
        """One frame, B×3×S×S, with its past, B×4×S×S.

        Args:
            frame: −1..1.
            past: See `past`.
            mix: B×S.
            refresh: B×1×S×S, 1 where nothing of the past is kept.
        """
        inputs = torch.cat((frame, past), dim=1).contiguous(memory_format=torch.channels_last)
        with arithmetic(self.recipe, frame.device):
            output: Tensor = self._forward(inputs, mix, refresh)
        return output


def resample(image: Tensor, shifts: Tensor) -> Tensor:
    """Blur a stylized frame as repeated warping does: shift it and back, by each shift in turn.

    Args:
        image: B×3×S×S.
        shifts: B×A×2, pixels, x then y.
    """
    for shift in shifts.unbind(1):
        if shift.any():
            flow = shift[:, :, None, None].expand(-1, -1, *image.shape[2:])
            image = warp(warp(image, flow, mode="lanczos"), -flow, mode="lanczos").clamp(-1, 1)
    return image
