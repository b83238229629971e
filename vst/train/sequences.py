"""Sequences to train on: of clips, of camera moves over photographs, and of synthetic scenes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vst.frame import Frame
from vst.modes.recipe import SequenceRecipe
from vst.modes.registry import find_mode
from vst.modes.training import to_unit
from vst.motion import track
from vst.motion.estimators.dis import DisEstimator
from vst.train.clips import Clip
from vst.train.keyframe_sequences import keyframe_sequence
from vst.train.photos import different_styles, generator, photo_batch
from vst.train.picture_files import Loadable
from vst.train.shots import Shot, real_sequence, synthetic_sequence


class MixedBatches(Dataset[dict[str, Tensor]]):
    """By step number: photographs without a past (`SequenceRecipe.empty` of all), or sequences with motion.

    A batch of B sequences of T frames has `frames` and `seen` B×T×3×S×S uint8 (clean, and with brightness
    and noise jitter); `true_flow` B×T×2×S×S and `true_mask` B×T×1×S×S to the frame before, for the temporal
    loss: exact where the sequence is synthetic, so that the network learns to be stable where the estimate
    fails; `style` B; `loss_frames`, which of the unrolled frames the loss network sees, counted from the
    first of them; and `warm_up`, a scalar: how many of the T frames are not learned from.

    With K `SequenceRecipe.distances` also `flow` B×T×K×2×S×S and `mask` B×T×K×1×S×S of the jittered frames,
    as a render estimates them, mask 0 where a render would have none: this is what the network is shown.
    What else it has is the mode's (`TrainingStep.extras`).

    With a `SequenceRecipe.gap` above 1 the frames are keyframes, so far apart, and the one distance is that
    to the keyframe before (`vst.train.keyframe_sequences`).
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
        if self.recipe.gap > 1:
            shown = [each.shown for each in sequences if each.shown is not None]
            flows, masks = zip(*shown, strict=True)
            return (
                {"flow": torch.stack(flows)[:, :, None], "mask": torch.stack(masks)[:, :, None]},
                [each.motion or motion for each, motion in zip(sequences, shown, strict=True)],
            )
        distances = self.recipe.distances
        if not distances:
            return {}, [
                each.motion or nearest_motion(pixels) for each, pixels in zip(sequences, seen, strict=True)
            ]
        flows, masks = zip(*(estimate_motion(each, distances) for each in seen), strict=True)
        estimates = [(flow[:, 0], mask[:, 0]) for flow, mask in zip(flows, masks, strict=True)]
        return (
            {"flow": torch.stack(flows), "mask": torch.stack(masks)},
            [each.motion or estimate for each, estimate in zip(sequences, estimates, strict=True)],
        )

    def sequence(self, length: int, rng: np.random.Generator) -> Shot:
        """One sequence: of a clip, of a camera that moves over a photograph, or of a synthetic scene."""
        recipe = self.recipe
        if recipe.gap > 1:
            return keyframe_sequence(recipe, self.photos, self.clips, length, rng)
        if self.clips and rng.random() >= recipe.synthetic:
            return real_sequence(self.clips, length, recipe.size, rng, recipe.least_change)
        return synthetic_sequence(self.photos, range(length), recipe.size, rng)


def estimate_motion(frames: Tensor, distances: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Flow and mask to earlier frames of one shot as a render of large frames has them, by `dis`.

    Small frames would be searched at full resolution: three times the time, for motion more exact than a
    render of larger frames has.

    Args:
        frames: T×3×S×S, uint8.
        distances: K of them.

    Returns:
        Flow T×K×2×S×S, mask T×K×1×S×S; 0 where a render would have no motion.
    """
    length, _, height, width = frames.shape
    flow = torch.zeros(length, len(distances), 2, height, width)
    mask = torch.zeros(length, len(distances), 1, height, width)
    shot = ((Frame(t, Fraction(t), Fraction(1), to_unit(frame)), t == 0) for t, frame in enumerate(frames))
    for t, tracked in enumerate(track(shot, DisEstimator(fine_below=0), distances)):
        for k, distance in enumerate(distances):
            if distance in tracked.motions:
                flow[t, k] = tracked.motions[distance].flow
                mask[t, k] = tracked.motions[distance].mask
    return flow, mask


def nearest_motion(frames: Tensor) -> tuple[Tensor, Tensor]:
    """Flow T×2×S×S and mask T×1×S×S to the frame before, as `estimate_motion` has them."""
    flow, mask = estimate_motion(frames, (1,))
    return flow[:, 0], mask[:, 0]


def jitter(frames: Tensor, recipe: SequenceRecipe, rng: np.random.Generator) -> Tensor:
    """Flicker as cameras make it: each frame a little brighter or darker, and noisy."""
    batch, length = frames.shape[:2]
    gain = 1 + rng.uniform(-recipe.brightness, recipe.brightness, (batch, length, 1, 1, 1)).astype(
        np.float32
    )
    sigma = 255 * rng.uniform(0, recipe.noise, (batch, 1, 1, 1, 1)).astype(np.float32)
    noise = rng.standard_normal(tuple(frames.shape), dtype=np.float32) * sigma
    return (frames.float() * torch.from_numpy(gain) + torch.from_numpy(noise)).round().clamp(0, 255).byte()
