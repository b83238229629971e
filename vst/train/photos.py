"""Batches of photographs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vst.modes.recipe import Recipe
from vst.train.picture_files import Loadable, random_crop

LEAST_SHARE = 0.02
"""Of the style weight, at the first step of `Recipe.style_ramp`."""


def generator(recipe: Recipe, step: int) -> np.random.Generator:
    """All random numbers of batch `step`."""
    return np.random.default_rng((recipe.seed, step))


def photo_batch(recipe: Recipe, photos: Sequence[Loadable], rng: np.random.Generator) -> dict[str, Tensor]:
    """`frames` B×3×S×S uint8 and `style` B·k int64: the k styles of the first frame, then of the next.

    The styles of a batch differ from each other as far as there are enough of them. `loss_corner`, 2 int64:
    the top and left of the square of `Recipe.loss_size` that the loss network sees, where that is not 0.
    """
    chosen = rng.integers(len(photos), size=recipe.batch)
    crops = [random_crop(photos[index].load(), recipe.size, rng, recipe.zoom) for index in chosen]
    if recipe.plain:
        crops = [plain(crop, rng) if rng.random() < recipe.plain else crop for crop in crops]
    return {
        "frames": torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2),
        "style": different_styles(recipe, recipe.batch * recipe.styles_each, rng),
        **loss_corner(recipe, rng),
    }


def style_share(recipe: Recipe, step: int) -> dict[str, Tensor]:
    """`style_share` of a batch, a scalar: of the style weight; nothing where that does not rise."""
    if not recipe.style_ramp:
        return {}
    return {"style_share": torch.tensor(LEAST_SHARE ** max(0.0, 1 - step / recipe.style_ramp))}


def loss_corner(recipe: Recipe, rng: np.random.Generator) -> dict[str, Tensor]:
    """`loss_corner` of a batch; nothing where the loss network sees whole crops.

    Corners are drawn from a range that is wider by half a square to each side, and moved inside: drawn from
    within alone, the pixels at the border would hardly ever be seen, and a network learns to fray there.
    """
    if not recipe.loss_size:
        return {}
    last, beyond = recipe.size - recipe.loss_size, recipe.loss_size // 2
    drawn = rng.integers(-beyond, last + beyond + 1, size=2)
    return {"loss_corner": torch.from_numpy(drawn.clip(0, last))}


def plain(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A crop, H×W×3 uint8, made like a wall, a sky or a dark scene: of low contrast, with some noise."""
    contrast = rng.uniform(0.03, 0.5)
    centre = crop.mean((0, 1))
    tint = rng.uniform(contrast / 2, 1 - contrast / 2) * 255 + rng.normal(0, 8, 3)
    noise = rng.normal(0, rng.uniform(0, 2.5), crop.shape)
    return (tint + contrast * (crop - centre) + noise).round().clip(0, 255).astype(np.uint8)


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
        batch = photo_batch(self.recipe, self.photos, generator(self.recipe, step))
        return batch | style_share(self.recipe, step)
