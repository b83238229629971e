"""Sequences to train on: of clips, of camera moves over photographs, and of synthetic scenes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vst.modes.recipe import SequenceRecipe
from vst.modes.registry import find_mode
from vst.train.clips import Clip
from vst.train.keyframe_sequences import composed_motion, keyframe_sequence
from vst.train.photos import different_styles, generator, photo_batch
from vst.train.picture_files import Loadable
from vst.train.shots import Shot, from_second, real_sequence, synthetic_sequence


class MixedBatches(Dataset[dict[str, Tensor]]):
    """By step number: photographs without a past (`SequenceRecipe.empty` of all), or sequences with motion.

    A batch of B sequences of T frames has `frames` and `seen` B×T×3×S×S uint8 (clean, and with brightness
    and noise jitter); `true_flow` B×T×2×S×S and `true_mask` B×T×1×S×S to the frame before, for the temporal
    loss: exact where the sequence is synthetic, so that the network learns to be stable where the estimate
    fails; `style` B; `loss_frames`, which of the unrolled frames the loss network sees, counted from the
    first of them; and `warm_up`, a scalar: how many of the T frames are not learned from.

    With `SequenceRecipe.gap` the frames are up to so many apart, and there are `flow` B×T×2×S×S and `mask`
    B×T×1×S×S to the frame before, as a render has them: this is what the network is shown
    (`vst.train.keyframe_sequences`). What else it has is the mode's (`TrainingStep.extras`).
    """

    def __init__(self, recipe: SequenceRecipe, photos: Sequence[Loadable], clips: Sequence[Clip]) -> None:
        self.recipe, self.photos, self.clips = recipe, photos, clips
        self._extras = find_mode(recipe.mode).training_class.extras

    def __len__(self) -> int:
        return self.recipe.steps

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        rng = generator(self.recipe, step)
        if rng.random() < self.recipe.empty:
            return photo_batch(self.recipe, self.photos, rng)
        return self.sequence_batch(rng)

    def sequence_batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """A batch of sequences."""
        recipe = self.recipe
        warm_up = int(rng.integers(recipe.warm_up + 1))
        length = recipe.unroll + warm_up
        sequences = [self.sequence(length, rng) for _ in range(recipe.sequences)]
        frames = torch.stack([each.frames for each in sequences])
        seen = jitter(frames, recipe, rng)
        shown, nearest = self._motion(sequences, seen)
        count = recipe.loss_frames or recipe.unroll
        return {
            "frames": frames,
            "seen": seen,
            **shown,
            "true_flow": torch.stack([flow for flow, _ in nearest]),
            "true_mask": torch.stack([mask for _, mask in nearest]),
            "style": different_styles(recipe, recipe.sequences, rng),
            "loss_frames": torch.from_numpy(np.sort(rng.permutation(recipe.unroll)[:count])),
            "warm_up": torch.tensor(warm_up),
            **self._extras(recipe, length, warm_up, rng),
        }

    def _motion(
        self, sequences: Sequence[Shot], seen: Tensor
    ) -> tuple[dict[str, Tensor], list[tuple[Tensor, Tensor]]]:
        """`flow` and `mask` if the network is shown motion, and each sequence's to the frame before."""
        if not self.recipe.gap:
            return {}, [
                each.motion or nearest_motion(pixels) for each, pixels in zip(sequences, seen, strict=True)
            ]
        shown = [each.shown for each in sequences if each.shown is not None]
        flows, masks = zip(*shown, strict=True)
        return (
            {"flow": torch.stack(flows), "mask": torch.stack(masks)},
            [each.motion or motion for each, motion in zip(sequences, shown, strict=True)],
        )

    def sequence(self, length: int, rng: np.random.Generator) -> Shot:
        """One sequence: of a clip, of a camera that moves over a photograph, or of a synthetic scene."""
        recipe = self.recipe
        if recipe.gap:
            return keyframe_sequence(recipe, self.photos, self.clips, length, rng)
        if self.clips and rng.random() >= recipe.synthetic:
            return real_sequence(self.clips, length, recipe.size, rng, recipe.least_change)
        return synthetic_sequence(self.photos, range(length), recipe.size, rng)


def nearest_motion(frames: Tensor) -> tuple[Tensor, Tensor]:
    """Flow T×2×S×S and mask T×1×S×S from each frame, T×3×S×S uint8, to the one before, as in a render."""
    motions = [composed_motion(frames[t - 1 : t + 1]) for t in range(1, len(frames))]
    flow, mask = (torch.stack(parts) for parts in zip(*motions, strict=True))
    return from_second(flow, mask)


class Jitter(Protocol):
    """What `jitter` reads of a recipe."""

    @property
    def brightness(self) -> float: ...

    @property
    def noise(self) -> float: ...


def jitter(frames: Tensor, recipe: Jitter, rng: np.random.Generator) -> Tensor:
    """Flicker as cameras make it: each frame a little brighter or darker, and noisy."""
    batch, length = frames.shape[:2]
    gain = 1 + rng.uniform(-recipe.brightness, recipe.brightness, (batch, length, 1, 1, 1)).astype(
        np.float32
    )
    sigma = 255 * rng.uniform(0, recipe.noise, (batch, 1, 1, 1, 1)).astype(np.float32)
    noise = rng.standard_normal(tuple(frames.shape), dtype=np.float32) * sigma
    return (frames.float() * torch.from_numpy(gain) + torch.from_numpy(noise)).round().clamp(0, 255).byte()
