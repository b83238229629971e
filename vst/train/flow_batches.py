"""Batches of crops from a pool of pairs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vst.train.flow_pool import FlowPool, Known
from vst.train.flow_recipe import FlowRecipe


class FlowBatches(Dataset[dict[str, Tensor]]):
    """By step number: crops of the pool's pairs, in either direction, mirrored and turned, in other light.

    A batch has `frames`, B×2×3×S×S uint8, and `flow`, B×4×2×S×S float32: true flow from the first frame to
    the second, that of `dis`, that of `dis-ultrafast`, and that of `dis` from the second to the first.
    """

    def __init__(self, recipe: FlowRecipe, pool: FlowPool) -> None:
        self.recipe, self.pool = recipe, pool

    def __len__(self) -> int:
        return self.recipe.steps

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        recipe = self.recipe
        rng = np.random.default_rng((recipe.seed, 2, step))
        chosen = rng.choice(len(self.pool), size=recipe.batch, replace=recipe.batch > len(self.pool))
        crops = [crop(self.pool[int(index)], recipe.size, rng) for index in chosen]
        frames = np.stack([_relit(each, recipe, rng) for each, _ in crops])
        return {
            "frames": torch.from_numpy(frames),
            "flow": torch.from_numpy(np.stack([flow for _, flow in crops])),
        }


def crop(pair: Known, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Frames 2×3×S×S uint8 and flow 4×2×S×S float32 of a part of a pair, in one of 16 positions.

    Forth or back, mirrored or not in either direction, with rows and columns exchanged or not.
    """
    height, width = pair.frames.shape[-2:]
    top, left = int(rng.integers(height - size + 1)), int(rng.integers(width - size + 1))
    here = (..., slice(top, top + size), slice(left, left + size))
    frames, flow = pair.frames[here], pair.flow[here].astype(np.float32)
    ahead = int(rng.integers(2))
    frames = frames[[ahead, 1 - ahead]]
    flow = np.concatenate((flow[ahead], flow[1 - ahead, 1:2]))
    for axis in (0, 1):
        if rng.random() < 0.5:
            frames, flow = np.flip(frames, axis - 2), np.flip(flow, axis - 2).copy()
            flow[:, 1 - axis] *= -1
    if rng.random() < 0.5:
        frames, flow = frames.swapaxes(-1, -2), flow[:, ::-1].swapaxes(-1, -2)
    return np.ascontiguousarray(frames), np.ascontiguousarray(flow)


def _relit(frames: np.ndarray, recipe: FlowRecipe, rng: np.random.Generator) -> np.ndarray:
    """Both frames in other light and colour, each with noise of its own."""
    change = recipe.brightness * rng.uniform(-1, 1, (2, 3, 1, 1)).astype(np.float32)
    sigma = 255 * recipe.noise * rng.random()
    noise = sigma * rng.standard_normal(frames.shape, dtype=np.float32)
    values = (frames.astype(np.float32) - 127.5) * (1 + change[0]) + 127.5 * (1 + change[1]) + noise
    return values.round().clip(0, 255).astype(np.uint8)
