"""Training on sequences: algorithm 2 of the thesis, mixed and unrolled, with memory, for vtn."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vst.losses import PerceptualLoss, temporal_loss
from vst.motion import warp
from vst.train.recipe import Recipe
from vst.train.still import arithmetic, picture_losses, to_unit


class VideoStep:
    """Losses of one batch through a VTN: α content + β style + γ temporal (thesis, eq. 5.8)."""

    def __init__(self, recipe: Recipe, model: nn.Module, perceptual: PerceptualLoss) -> None:
        self.recipe, self.model, self.perceptual = recipe, model, perceptual

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The losses by name; `total` is what is minimised."""
        mix = torch.nn.functional.one_hot(batch["style"], len(self.recipe.styles)).float()
        if "flow" not in batch:
            frames = to_unit(batch["frames"])
            shown = (frames * 2 - 1).repeat_interleave(len(mix) // len(frames), 0)
            output = self.paint(shown, shown.new_zeros(len(shown), 4, *shown.shape[2:]), mix)
            return picture_losses(self.recipe, self.perceptual, output, frames, batch["style"])
        outputs, temporal = self.unroll(batch, mix)
        losses = judged_losses(self.recipe, self.perceptual, batch, outputs)
        losses["total"] = losses["total"] + self.recipe.temporal_weight * temporal
        losses["temporal"] = temporal.detach()
        return losses

    def unroll(self, batch: dict[str, Tensor], mix: Tensor) -> tuple[Tensor, Tensor]:
        """Paint the sequences, outputs fed to the frames after them, with gradients through time.

        The temporal loss holds each output against the one before it by the judge's motion, and against
        what memory brought from further back: what was hidden has to look as it did.

        Returns:
            The outputs after warming up, B×unroll×3×S×S, −1..1, and the mean temporal loss.
        """
        warm_up = int(batch["warm_up"])
        seen = to_unit(batch["seen"]) * 2 - 1
        outputs: list[Tensor] = []
        errors: list[Tensor] = []
        for t in range(seen.shape[1]):
            if t == warm_up > 0:
                outputs[-1] = age(outputs[-1], batch["ageing"])
            with torch.set_grad_enabled(t >= warm_up):
                past, recalled = self.remember(batch, outputs, t)
                # Contiguous: strides that follow the batch's length would each be compiled anew.
                fresh = batch["fresh"][:, t].contiguous() if "fresh" in batch else None
                output = self.paint(seen[:, t], past, mix, fresh).float()
                if t >= warm_up and t > 0:
                    carried = warp(outputs[-1], batch["true_flow"][:, t], mode="bicubic")
                    error = temporal_loss(output, carried, batch["true_mask"][:, t])
                    errors.append(error + temporal_loss(output, past[:, :3], recalled))
                outputs.append(output)
        return torch.stack(outputs[warm_up:], 1), torch.stack(errors).mean()

    def remember(self, batch: dict[str, Tensor], outputs: list[Tensor], t: int) -> tuple[Tensor, Tensor]:
        """What a render would bring to frame t from earlier outputs (see `vst.motion.warp_history`).

        Returns:
            The four channels of the past, B×4×S×S: painting (0 where there is none) and mask; and where
            the painting is from further back than the last frame, B×1×S×S.
        """
        image = torch.zeros_like(batch["seen"][:, t], dtype=torch.float32)
        mask = torch.zeros_like(image[:, :1])
        recalled = torch.zeros_like(mask)
        for k, distance in enumerate(self.recipe.memory):
            fill = batch["mask"][:, t, k] * (1 - mask)
            if distance > t or not fill.any():
                continue
            warped = warp(outputs[t - distance], batch["flow"][:, t, k], mode="lanczos")
            image = image + fill * warped
            mask = mask + fill
            if distance > 1:
                recalled = recalled + fill
        return torch.cat((image, mask), 1), recalled

    def paint(self, frame: Tensor, past: Tensor, mix: Tensor, fresh: Tensor | None = None) -> Tensor:
        """One frame, B×3×S×S, with its past, B×4×S×S; `fresh`, B×1×S×S, is 1 where none of it is kept."""
        inputs = torch.cat((frame, past), dim=1).contiguous(memory_format=torch.channels_last)
        with arithmetic(self.recipe, frame.device):
            return self.model(inputs, mix, fresh)


def age(painting: Tensor, shifts: Tensor) -> Tensor:
    """What carrying does to paint: resampled there and back by each shift.

    Args:
        painting: B×3×S×S.
        shifts: B×A×2, pixels, x then y.
    """
    for shift in shifts.unbind(1):
        if shift.any():
            flow = shift[:, :, None, None].expand(-1, -1, *painting.shape[2:])
            painting = warp(warp(painting, flow, mode="lanczos"), -flow, mode="lanczos").clamp(-1, 1)
    return painting


def judged_losses(
    recipe: Recipe, perceptual: PerceptualLoss, batch: dict[str, Tensor], outputs: Tensor
) -> dict[str, Tensor]:
    """`picture_losses` of the frames of sequences that the loss network is shown.

    Args:
        recipe: Whose weights count.
        perceptual: Content and style.
        batch: See `MixedBatches.sequence_batch`.
        outputs: The paintings after warming up, B×unroll×3×S×S, −1..1.
    """
    judged = batch["judged"]
    frames = to_unit(batch["frames"][:, int(batch["warm_up"]) :][:, judged])
    style = batch["style"][:, None].expand(frames.shape[:2])
    return picture_losses(
        recipe, perceptual, outputs[:, judged].flatten(0, 1), frames.flatten(0, 1), style.flatten()
    )
