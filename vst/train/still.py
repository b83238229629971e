"""Training on photographs: algorithm 1 of the thesis, for itn and for the empty half of vtn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from vst.losses import PerceptualLoss, total_variation
from vst.train.pictures import Loadable, random_crop
from vst.train.recipe import Recipe


def generator(recipe: Recipe, step: int) -> np.random.Generator:
    """All that is random in batch `step`."""
    return np.random.default_rng((recipe.seed, step))


def photo_batch(recipe: Recipe, photos: Sequence[Loadable], rng: np.random.Generator) -> dict[str, Tensor]:
    """`frames` B×3×S×S uint8 and `style` B·k int64: the k styles of the first frame, then of the next.

    The styles of a batch differ from each other as far as there are enough of them.
    """
    chosen = rng.integers(len(photos), size=recipe.batch)
    crops = [random_crop(photos[index].load(), recipe.size, rng) for index in chosen]
    return {
        "frames": torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2),
        "style": different_styles(recipe, recipe.batch * recipe.styles_each, rng),
    }


def different_styles(recipe: Recipe, count: int, rng: np.random.Generator) -> Tensor:
    """Indices of styles, count int64, each as often as any other, give or take one."""
    rounds = -(-count // len(recipe.styles))
    order = np.concatenate([rng.permutation(len(recipe.styles)) for _ in range(rounds)])
    return torch.from_numpy(order[:count])


class PhotoBatches(Dataset[dict[str, Tensor]]):
    """Batches of photographs by step number."""

    def __init__(self, recipe: Recipe, photos: Sequence[Loadable]) -> None:
        self.recipe, self.photos = recipe, photos

    def __len__(self) -> int:
        return self.recipe.steps

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        return photo_batch(self.recipe, self.photos, generator(self.recipe, step))


def to_unit(frames: Tensor) -> Tensor:
    """uint8 to 0..1."""
    return frames.float() / 255


def style_weights(recipe: Recipe) -> Tensor:
    """The weight β of each style, S."""
    return torch.tensor(
        [recipe.style_weight if style.weight is None else style.weight for style in recipe.styles]
    )


def picture_losses(
    recipe: Recipe, perceptual: PerceptualLoss, output: Tensor, frames: Tensor, style: Tensor
) -> dict[str, Tensor]:
    """α content + β style + total variation of paintings.

    Args:
        output: B·k×3×H×W, −1..1: k paintings of the first frame, then of the next.
        frames: B×3×H×W, 0..1.
        style: B·k, int64.
    """
    shown = (output.float() + 1) / 2
    target = perceptual.content_target(frames).repeat_interleave(len(output) // len(frames), 0)
    terms = perceptual(shown, target, style)
    total = (
        recipe.content_weight * terms.content.mean()
        + (style_weights(recipe).to(style.device)[style] * terms.style).mean()
        + recipe.variation_weight * total_variation(shown)
    )
    return {"total": total, "content": terms.content.detach().mean(), "style": terms.style.detach().mean()}


def arithmetic(recipe: Recipe, device: torch.device) -> torch.autocast:
    """The recipe's precision for the networks."""
    types = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
    chosen = types[recipe.precision]
    return torch.autocast(device.type, chosen, enabled=chosen != torch.float32)


class StillStep:
    """Losses of one batch of photographs through an ITN."""

    def __init__(self, recipe: Recipe, model: nn.Module, perceptual: PerceptualLoss) -> None:
        self.recipe, self.model, self.perceptual = recipe, model, perceptual

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The losses by name; `total` is what is minimised."""
        frames = to_unit(batch["frames"]).contiguous(memory_format=torch.channels_last)
        mix = torch.nn.functional.one_hot(batch["style"], len(self.recipe.styles)).float()
        shown = (frames * 2 - 1).repeat_interleave(len(mix) // len(frames), 0)
        with arithmetic(self.recipe, frames.device):
            output = self.model(shown, mix)
        return picture_losses(self.recipe, self.perceptual, output, frames, batch["style"])
