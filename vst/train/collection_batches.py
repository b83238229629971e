"""Batches that a collection is learned from: paintings beside photographs and pairs of frames."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms.v2 import functional as transforms

from vst.modes.cyclegan.config import CycleganRecipe
from vst.train.clips import Clip
from vst.train.keyframe_sequences import composed_motion
from vst.train.picture_files import Loadable, random_crop
from vst.train.sequences import jitter
from vst.train.shots import Shot, from_second, real_sequence, synthetic_sequence

_LIGHT, _HUE = 0.2, 0.03
"""Largest relative change of brightness, contrast and saturation, and of hue in turns."""


class CollectionBatches(Dataset[dict[str, Tensor]]):
    """By step number: P paintings, B photographs and Q sequences of T frames (`CycleganRecipe`), S×S each.

    `paintings` P×3×S×S uint8; `photos` B×3×S×S uint8 unless B is 0; unless Q is 0, `frames` and `seen`
    Q×T×3×S×S uint8 (clean, and with brightness and noise jitter), `true_flow` Q×T×2×S×S and `true_mask`
    Q×T×1×S×S to the frame before. The last two frames of a sequence are adjacent; with a weight for frames
    further apart there is one before them. `pool` N×2×2 are the random numbers of the pools, for as many
    pictures as there are at most.
    """

    def __init__(
        self,
        recipe: CycleganRecipe,
        paintings: Sequence[Loadable],
        photos: Sequence[Loadable],
        clips: Sequence[Clip],
    ) -> None:
        self.recipe, self.paintings, self.photos, self.clips = recipe, paintings, photos, clips

    def __len__(self) -> int:
        return self.recipe.steps

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        recipe, rng = self.recipe, np.random.default_rng((self.recipe.seed, step))
        paintings = [
            painting_crop(self.paintings[int(index)].load(), recipe, rng)
            for index in rng.integers(len(self.paintings), size=recipe.painting_batch)
        ]
        batch = {"paintings": torch.stack(paintings)}
        if recipe.batch:
            chosen = rng.integers(len(self.photos), size=recipe.batch)
            crops = [random_crop(self.photos[int(index)].load(), recipe.size, rng) for index in chosen]
            batch["photos"] = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)
        if recipe.sequences:
            batch |= self._sequences(rng)
        most = max(recipe.batch + 2 * recipe.sequences, recipe.painting_batch)
        batch["pool"] = torch.from_numpy(rng.random((most, 2, 2)))
        return batch

    def _sequences(self, rng: np.random.Generator) -> dict[str, Tensor]:
        shots = [self._sequence(rng) for _ in range(self.recipe.sequences)]
        frames = torch.stack([each.frames for each in shots])
        flows, masks = zip(*(each.motion for each in shots if each.motion), strict=True)
        return {
            "frames": frames,
            "seen": jitter(frames, self.recipe, rng),
            "true_flow": torch.stack(flows),
            "true_mask": torch.stack(masks),
        }

    def _sequence(self, rng: np.random.Generator) -> Shot:
        """A pair of frames, of a clip or synthetic, and if asked for one some frames before them."""
        recipe = self.recipe
        times = [0, 1]
        if recipe.long_weight:
            gap = int(rng.integers(1, recipe.long_gap))
            times = [0, gap, gap + 1]
        if not self.clips or rng.random() < recipe.synthetic:
            return synthetic_sequence(self.photos, times, recipe.size, rng)
        frames = real_sequence(self.clips, times[-1] + 1, recipe.size, rng).frames
        spans = pairwise(times)
        motions = [composed_motion(frames[first : last + 1]) for first, last in spans]
        flow, mask = (torch.stack(parts) for parts in zip(*motions, strict=True))
        return Shot(frames[times].contiguous(), from_second(flow, mask))


def painting_crop(painting: np.ndarray, recipe: CycleganRecipe, rng: np.random.Generator) -> Tensor:
    """A random crop of a painting, mirrored half of the time, now and then with other colours.

    The papers scale paintings to 286×286 and crop 256×256; here their shapes are kept.

    Args:
        painting: H×W×3 uint8.
        recipe: Sizes and chances.
        rng: All that is random.

    Returns:
        3×S×S uint8.
    """
    height, width = painting.shape[:2]
    scale = recipe.painting_side / min(height, width)
    size = (max(round(width * scale), recipe.size), max(round(height * scale), recipe.size))
    if size != (width, height):
        shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        painting = cv2.resize(np.ascontiguousarray(painting), size, interpolation=shrink)
    left, top = (int(rng.integers(whole - recipe.size + 1)) for whole in size)
    part = painting[top : top + recipe.size, left : left + recipe.size]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    crop = torch.from_numpy(np.ascontiguousarray(part)).permute(2, 0, 1)
    return colour_jitter(crop, rng) if rng.random() < recipe.colour_jitter else crop


def colour_jitter(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """A picture, 3×H×W uint8, a little brighter or darker, with other contrast, saturation and hue."""
    brightness, contrast, saturation = (float(each) for each in rng.uniform(1 - _LIGHT, 1 + _LIGHT, 3))
    picture = transforms.adjust_brightness(picture, brightness)
    picture = transforms.adjust_contrast(picture, contrast)
    picture = transforms.adjust_saturation(picture, saturation)
    return transforms.adjust_hue(picture, float(rng.uniform(-_HUE, _HUE)))
