"""Training lstm: sequences with back-propagation through time, on the network's own earlier output.

The thesis trains on pairs whose earlier stylized frame is an image network's (its algorithm 2), so its
network never sees output of its own that has gone a little wrong, and amplifies errors: strokes drift. Here
every frame is stylized from the network's own state, after up to `LstmRecipe.warm_up` frames without
learning. What is fed back is noisy, so that errors are corrected and not passed on. At some frames the
memory is emptied, so that a continued shot has to look like one that begins there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vst.losses import PerceptualLoss, temporal_loss
from vst.modes.lstm.config import LstmRecipe
from vst.modes.lstm.network import LSTM, LstmState
from vst.modes.training import UnrolledStep, arithmetic, to_unit, uncompiled
from vst.motion import warp


class LstmStep(UnrolledStep):
    """Losses of one batch: α content + β style + γ temporal (thesis, section 5.5)."""

    def __init__(
        self,
        recipe: LstmRecipe,
        network: LSTM,
        perceptual: PerceptualLoss,
        compiled: Callable[[Any], Any] = uncompiled,
    ) -> None:
        super().__init__(recipe, network, perceptual)
        self._step = compiled(network.step)

    @staticmethod
    def extras(
        recipe: LstmRecipe, length: int, warm_up: int, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """`restart` T, bool: where the memory is emptied; `feedback` B: the deviation of the noise on what
        is fed back; and `seed`, of that noise."""
        restart = (rng.random(length) < recipe.restart) & (np.arange(length) >= warm_up)
        deviation = rng.uniform(0, recipe.feedback_noise, recipe.sequences).astype(np.float32)
        return {
            "restart": torch.from_numpy(restart),
            "feedback": torch.from_numpy(deviation),
            "seed": torch.tensor(int(rng.integers(2**31))),
        }

    def stylize_alone(self, frames: Tensor, mix: Tensor) -> Tensor:
        """See `TrainingStep.stylize_alone`."""
        return self.advance(frames, None, mix)[0]

    def unroll(self, batch: dict[str, Tensor], mix: Tensor) -> tuple[Tensor, Tensor]:
        """Stylize the sequences, the state of each frame passed to the next, with gradients through time.

        Returns:
            The outputs after warming up, B×unroll×3×S×S, −1..1, and the mean temporal loss.
        """
        warm_up = int(batch["warm_up"])
        seen = to_unit(batch["seen"]) * 2 - 1
        random = torch.Generator(seen.device).manual_seed(int(batch["seed"]))
        outputs: list[Tensor] = []
        errors: list[Tensor] = []
        state: LstmState | None = None
        for t in range(seen.shape[1]):
            with torch.set_grad_enabled(t >= warm_up):
                if batch["restart"][t]:
                    state = None
                if state is not None:
                    state = add_noise(state, batch["feedback"], random)
                output, state = self.advance(seen[:, t], state, mix)
                if t >= warm_up and t > 0:
                    warped = warp(outputs[-1], batch["true_flow"][:, t], mode="bicubic")
                    errors.append(temporal_loss(output, warped, batch["true_mask"][:, t]))
                outputs.append(output)
        return torch.stack(outputs[warm_up:], 1), torch.stack(errors).mean()

    def advance(self, frame: Tensor, state: LstmState | None, mix: Tensor) -> tuple[Tensor, LstmState]:
        """One frame, B×3×S×S, from the last state; output and state in fp32."""
        with arithmetic(self.recipe, frame.device):
            output, state = self._step(frame.contiguous(memory_format=torch.channels_last), state, mix)
        assert state is not None
        return output.float(), state._replace(stylized=state.stylized.float())


def add_noise(state: LstmState, deviation: Tensor, random: torch.Generator) -> LstmState:
    """The same state with noise on its stylized frame, of deviation B, kept within −1..1."""
    stylized = state.stylized
    noise = torch.randn(stylized.shape, generator=random, device=stylized.device)
    return state._replace(stylized=(stylized + deviation[:, None, None, None] * noise).clamp(-1, 1))
