"""Batches of photographs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vst.modes.recipe import Recipe
from vst.train.picture_files import Loadable, random_crop


def generator(recipe: Recipe, step: int) -> np.random.Generator:
    """All random numbers of batch `step`."""
    return np.random.default_rng((recipe.seed, step))


def photo_batch(recipe: Recipe, photos: Sequence[Loadable], rng: np.random.Generator) -> dict[str, Tensor]:
    """`frames` B×3×S×S uint8 and `style` B·k int64: the k styles of the first frame, then of the next.

    The styles of a batch differ from each other as far as there are enough of them.
    """
    chosen = rng.integers(len(photos), size=recipe.batch)
    crops = [random_crop(photos[index].load(), recipe.size, rng, recipe.zoom) for index in chosen]
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
