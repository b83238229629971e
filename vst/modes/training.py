"""What the training steps of modes share: losses of pictures, arithmetic, the step's interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from vst.losses import PerceptualLoss, laplacian_loss, total_variation
from vst.modes.recipe import Recipe

F = TypeVar("F", bound=Callable[..., Any])

Compile = Callable[[F], F]
"""Makes a function faster, or returns it as it is."""


def uncompiled(function: F) -> F:
    """The function itself."""
    return function


class TrainingStep(ABC):
    """Losses of one batch; what is minimised is `total`.

    Args:
        recipe: Its weights and precision.
        network: What is trained.
        perceptual: Content and style losses.
        compiled: Applied to what is called in every step.
    """

    def __init__(
        self,
        recipe: Any,
        network: Any,
        perceptual: PerceptualLoss,
        compiled: Callable[[Any], Any] = uncompiled,
    ) -> None:
        self.recipe, self.perceptual = recipe, perceptual

    @abstractmethod
    def sequence_losses(self, batch: dict[str, Tensor], mix: Tensor) -> dict[str, Tensor]:
        """The losses of a batch of sequences by name; see `vst.train.sequences.MixedBatches`."""

    @abstractmethod
    def stylize_alone(self, frames: Tensor, mix: Tensor) -> Tensor:
        """Stylize frames without a past, B×3×H×W, −1..1."""

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The losses by name; all but `total` are detached."""
        mix = torch.nn.functional.one_hot(batch["style"], len(self.recipe.styles)).float()
        if "true_flow" in batch:
            return self.sequence_losses(batch, mix)
        return self.photo_losses(batch, mix, to_unit(batch["frames"]))

    def photo_losses(self, batch: dict[str, Tensor], mix: Tensor, frames: Tensor) -> dict[str, Tensor]:
        """The losses of a batch of photographs by name.

        Args:
            batch: Of `vst.train.photos.photo_batch`.
            mix: B·k×S, one-hot.
            frames: Its frames, B×3×H×W, 0..1.
        """
        repeated = (frames * 2 - 1).repeat_interleave(len(mix) // len(frames), 0)
        output = self.stylize_alone(repeated, mix)
        return picture_losses(self.recipe, self.perceptual, output, frames, batch["style"])

    @staticmethod
    def extras(recipe: Any, length: int, warm_up: int, rng: np.random.Generator) -> dict[str, Tensor]:
        """What a batch of sequences has for this mode alone.

        Args:
            recipe: The mode's.
            length: Frames of a sequence.
            warm_up: How many of them are not learned from.
            rng: Of all random numbers.
        """
        return {}


def to_unit(frames: Tensor) -> Tensor:
    """uint8 to 0..1."""
    return frames.float() / 255


def style_weights(recipe: Recipe) -> Tensor:
    """The weight β of each style, S."""
    return torch.tensor(
        [recipe.style_weight if style.weight is None else style.weight for style in recipe.styles]
    )


def picture_losses(
    recipe: Recipe,
    perceptual: PerceptualLoss,
    output: Tensor,
    frames: Tensor,
    style: Tensor,
) -> dict[str, Tensor]:
    """α content + β style + total variation of stylized frames.

    Args:
        recipe: Its weights.
        perceptual: Content and style.
        output: B·k×3×H×W, −1..1: k stylizations of the first frame, then of the next.
        frames: B×3×H×W, 0..1.
        style: B·k, int64.
    """
    stylized = (output.float() + 1) / 2
    target = perceptual.content_target(frames).repeat_interleave(len(output) // len(frames), 0)
    terms = perceptual(stylized, target, style)
    weights = style_weights(recipe).to(style.device)[style]
    total = (
        recipe.content_weight * terms.content.mean()
        + (weights * terms.style).mean()
        + recipe.variation_weight * total_variation(stylized)
    )
    if recipe.laplacian_weight:
        photos = frames.repeat_interleave(len(output) // len(frames), 0)
        total = total + recipe.laplacian_weight * laplacian_loss(stylized, photos).mean()
    return {"total": total, "content": terms.content.detach().mean(), "style": terms.style.detach().mean()}


class UnrolledStep(TrainingStep):
    """A step of a mode that feeds each output, or its state, to the next frame: α content + β style + γ
    temporal."""

    @abstractmethod
    def unroll(self, batch: dict[str, Tensor], mix: Tensor) -> tuple[Tensor, Tensor]:
        """Stylize the sequences of a batch with gradients through time.

        Returns:
            The outputs after warming up, B×unroll×3×S×S, −1..1, and the mean temporal loss.
        """

    def sequence_losses(self, batch: dict[str, Tensor], mix: Tensor) -> dict[str, Tensor]:
        """See `TrainingStep.sequence_losses`."""
        outputs, temporal = self.unroll(batch, mix)
        losses = self.frame_losses(batch, mix, outputs)
        losses["total"] = losses["total"] + self.recipe.temporal_weight * temporal
        losses["temporal"] = temporal.detach()
        return losses

    def frame_losses(self, batch: dict[str, Tensor], mix: Tensor, outputs: Tensor) -> dict[str, Tensor]:
        """Losses of single frames; arguments as for `loss_frame_losses`."""
        return loss_frame_losses(self.recipe, self.perceptual, batch, outputs)


def loss_frame_losses(
    recipe: Recipe, perceptual: PerceptualLoss, batch: dict[str, Tensor], outputs: Tensor
) -> dict[str, Tensor]:
    """`picture_losses` of the frames of sequences that the loss network sees.

    Args:
        recipe: Its weights.
        perceptual: Content and style.
        batch: See `vst.train.sequences.MixedBatches`.
        outputs: The stylized frames after warming up, B×unroll×3×S×S, −1..1.
    """
    chosen = batch["loss_frames"]
    frames = to_unit(batch["frames"][:, int(batch["warm_up"]) :][:, chosen])
    style = batch["style"][:, None].expand(frames.shape[:2])
    return picture_losses(
        recipe,
        perceptual,
        outputs[:, chosen].flatten(0, 1),
        frames.flatten(0, 1),
        style.flatten(),
    )


class Arithmetic(Protocol):
    """What `arithmetic` reads of a recipe."""

    @property
    def precision(self) -> str: ...


def arithmetic(recipe: Arithmetic, device: torch.device) -> torch.autocast:
    """The recipe's precision for the networks."""
    types = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
    chosen = types[recipe.precision]
    return torch.autocast(device.type, chosen, enabled=chosen != torch.float32)
