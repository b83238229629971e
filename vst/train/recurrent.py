"""Training lstm: sequences with back-propagation through time, on what the network itself painted before.

The thesis trains on pairs whose earlier painting is an image network's (its algorithm 2), so its network
never sees paintings of its own that have gone a little wrong, and lets them go further wrong: strokes
drift. Here every frame is painted from the network's own state, after up to `Recipe.warm_up` frames of
going on alone; what is fed back is noisy, so that errors are put right and not passed on; and now and then
the memory is emptied, so that what goes on has to stay what would be painted anew.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vst.losses import PerceptualLoss, temporal_loss
from vst.motion import warp
from vst.nn.lstm import State
from vst.train.recipe import Recipe
from vst.train.still import arithmetic, picture_losses, to_unit
from vst.train.video import judged_losses

RecurrentStep = Callable[[Tensor, State | None, Tensor], tuple[Tensor, State]]
"""`LSTM.step`."""


class LstmStep:
    """Losses of one batch through an LSTM: α content + β style + γ temporal (thesis, section 5.5)."""

    def __init__(self, recipe: Recipe, step: RecurrentStep, perceptual: PerceptualLoss) -> None:
        self.recipe, self.step, self.perceptual = recipe, step, perceptual

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The losses by name; `total` is what is minimised."""
        mix = torch.nn.functional.one_hot(batch["style"], len(self.recipe.styles)).float()
        if "true_flow" not in batch:
            frames = to_unit(batch["frames"])
            shown = (frames * 2 - 1).repeat_interleave(len(mix) // len(frames), 0)
            output, _ = self.paint(shown, None, mix)
            return picture_losses(self.recipe, self.perceptual, output, frames, batch["style"])
        outputs, temporal = self.unroll(batch, mix)
        losses = judged_losses(self.recipe, self.perceptual, batch, outputs)
        losses["total"] = losses["total"] + self.recipe.temporal_weight * temporal
        losses["temporal"] = temporal.detach()
        return losses

    def unroll(self, batch: dict[str, Tensor], mix: Tensor) -> tuple[Tensor, Tensor]:
        """Paint the sequences, the state of each frame handed to the next, with gradients through time.

        Returns:
            The outputs after warming up, B×unroll×3×S×S, −1..1, and the mean temporal loss.
        """
        warm_up = int(batch["warm_up"])
        seen = to_unit(batch["seen"]) * 2 - 1
        random = torch.Generator(seen.device).manual_seed(int(batch["seed"]))
        outputs: list[Tensor] = []
        errors: list[Tensor] = []
        state: State | None = None
        for t in range(seen.shape[1]):
            with torch.set_grad_enabled(t >= warm_up):
                if batch["restart"][t]:
                    state = None
                if state is not None:
                    state = disturb(state, batch["feedback"], random)
                output, state = self.paint(seen[:, t], state, mix)
                if t >= warm_up and t > 0:
                    carried = warp(outputs[-1], batch["true_flow"][:, t], mode="bicubic")
                    errors.append(temporal_loss(output, carried, batch["true_mask"][:, t]))
                outputs.append(output)
        return torch.stack(outputs[warm_up:], 1), torch.stack(errors).mean()

    def paint(self, frame: Tensor, state: State | None, mix: Tensor) -> tuple[Tensor, State]:
        """One frame, B×3×S×S, from what was remembered; painting and states in fp32."""
        with arithmetic(self.recipe, frame.device):
            output, state = self.step(frame.contiguous(memory_format=torch.channels_last), state, mix)
        return output.float(), state._replace(painting=state.painting.float())


def disturb(state: State, deviation: Tensor, random: torch.Generator) -> State:
    """The same state with noise on its painting, of deviation B, kept within −1..1."""
    painting = state.painting
    noise = torch.randn(painting.shape, generator=random, device=painting.device)
    return state._replace(painting=(painting + deviation[:, None, None, None] * noise).clamp(-1, 1))
