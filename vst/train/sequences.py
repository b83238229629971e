"""Sequences to train on: of clips, of camera moves over photographs, and of synthetic scenes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import cv2
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
from vst.synthetic import Scene, SceneConfig
from vst.train.camera import camera_move
from vst.train.clips import Clip
from vst.train.photos import different_styles, generator, loss_corner, photo_batch, style_share
from vst.train.picture_files import Loadable

_TRIES = 10
"""At most this many real sequences are drawn to find one that changes enough and has no cut."""

_CUT = 5.0
"""A change this many times the median (plus 0.01) is a cut: in 23 clips the one cut has 11.7, all else 2.5
at most."""


class MixedBatches(Dataset[dict[str, Tensor]]):
    """By step number: photographs without a past (`SequenceRecipe.empty` of all), or sequences with motion.

    A batch of B sequences of T frames has `frames` and `seen` B×T×3×S×S uint8 (clean, and with brightness
    and noise jitter); `true_flow` B×T×2×S×S and `true_mask` B×T×1×S×S to the frame before, for the temporal
    loss: exact where the sequence is synthetic, so that the network learns to be stable where the estimate
    fails; `style` B; `loss_frames`, which of the unrolled frames the loss network sees, counted from the
    first of them; `warm_up`, a scalar: how many of the T frames are not learned from; and `loss_corner` as
    `vst.train.photos.photo_batch`.

    With K `SequenceRecipe.distances` also `flow` B×T×K×2×S×S and `mask` B×T×K×1×S×S of the jittered frames,
    as a render estimates them, mask 0 where a render would have none: this is what the network is shown.
    What else it has is the mode's (`TrainingStep.extras`).
    """

    def __init__(self, recipe: SequenceRecipe, photos: Sequence[Loadable], clips: Sequence[Clip]) -> None:
        self.recipe, self.photos, self.clips = recipe, photos, clips
        self._extras = find_mode(recipe.mode).training_class.extras

    def __len__(self) -> int:
        return self.recipe.steps

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        rng = generator(self.recipe, step)
        if rng.random() < self.recipe.empty:
            return photo_batch(self.recipe, self.photos, rng) | style_share(self.recipe, step)
        return self.sequence_batch(rng) | style_share(self.recipe, step)

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
            **loss_corner(recipe, rng),
            **self._extras(recipe, length, warm_up, rng),
        }

    def _motion(
        self, sequences: Sequence[Shot], seen: Tensor
    ) -> tuple[dict[str, Tensor], list[tuple[Tensor, Tensor]]]:
        """`flow` and `mask` if the network is shown motion, and each sequence's to the frame before."""
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
        if self.clips and rng.random() >= recipe.synthetic:
            return real_sequence(self.clips, length, recipe.size, rng, recipe.least_change)
        if rng.random() < 0.5:
            photos = [self.photos[int(index)].load() for index in rng.integers(len(self.photos), size=4)]
            return scene_sequence(photos, length, recipe.size, rng)
        photo = self.photos[int(rng.integers(len(self.photos)))].load()
        move = camera_move(photo, length, recipe.size, rng)
        motion = torch.from_numpy(move.flow), torch.from_numpy(move.mask)
        return Shot(torch.from_numpy(move.frames).permute(0, 3, 1, 2), _from_second(*motion))


class Shot(NamedTuple):
    """Frames T×3×S×S uint8; exact flow T×2×S×S and mask T×1×S×S to the frame before, where known.

    The first frame has no frame before it: flow and mask 0.
    """

    frames: Tensor
    motion: tuple[Tensor, Tensor] | None = None


def _from_second(flow: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Motion of all frames but the first as motion of all."""
    return torch.cat((torch.zeros_like(flow[:1]), flow)), torch.cat((torch.zeros_like(mask[:1]), mask))


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


def scene_sequence(photos: Sequence[np.ndarray], length: int, size: int, rng: np.random.Generator) -> Shot:
    """Objects cut from photographs that cross before another one, with exact flow and occlusion."""
    scene = Scene(
        SceneConfig(
            width=size,
            height=size,
            frames=length,
            seed=int(rng.integers(2**31)),
            textures=[to_unit(torch.from_numpy(photo.copy()).permute(2, 0, 1)) for photo in photos],
            objects=int(rng.integers(1, 4)),
            # Some objects are fast enough to hide and uncover the background within a sequence.
            max_speed=float(rng.uniform(3, 12)),
            lighting=0.0,
            noise=0.0,
        )
    )
    frames = torch.stack([scene.frame(t) for t in range(length)])
    motions = [scene.motion(t) for t in range(1, length)]
    pixels = (frames.clamp(0, 1) * 255).round().byte()
    flow, mask = (torch.stack([getattr(each, name) for each in motions]) for name in ("flow", "mask"))
    return Shot(pixels, _from_second(flow, mask))


def real_sequence(
    clips: Sequence[Clip], length: int, size: int, rng: np.random.Generator, least_change: float = 0.0
) -> Shot:
    """A square window of consecutive frames of a clip, forwards or backwards in time.

    Where neighbouring frames differ by less than `least_change`, or there is a cut, another one is taken,
    ten times at most: pairs that hardly differ teach little about motion (thesis, section 5.4).
    """
    for _ in range(_TRIES):
        clip = clips[int(rng.integers(len(clips)))]
        images = clip.load(int(rng.integers(len(clip) - length + 1)), length)
        if rng.random() < 0.5:
            images.reverse()
        height, width = images[0].shape[:2]
        side = int(rng.integers(min(size, height, width), min(height, width) + 1))
        top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
        mirrored = rng.random() < 0.5
        parts = []
        for image in images:
            part = image[top : top + side, left : left + side]
            part = np.ascontiguousarray(part[:, ::-1] if mirrored else part)
            if side != size:
                shrink = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
                part = cv2.resize(part, (size, size), interpolation=shrink)
            parts.append(part)
        frames = np.stack(parts)
        steps = changes(frames)
        if steps.mean() >= least_change and steps.max() < _CUT * (np.median(steps) + 0.01):
            break
    return Shot(torch.from_numpy(frames).permute(0, 3, 1, 2))


def changes(frames: np.ndarray) -> np.ndarray:
    """Mean absolute difference of neighbouring frames, T×H×W×3 uint8, on 0..1: T−1 values."""
    return np.abs(np.diff(frames.astype(np.int16), axis=0)).mean((1, 2, 3)) / 255


def jitter(frames: Tensor, recipe: SequenceRecipe, rng: np.random.Generator) -> Tensor:
    """Flicker as cameras make it: each frame a little brighter or darker, and noisy."""
    batch, length = frames.shape[:2]
    gain = 1 + rng.uniform(-recipe.brightness, recipe.brightness, (batch, length, 1, 1, 1)).astype(
        np.float32
    )
    sigma = 255 * rng.uniform(0, recipe.noise, (batch, 1, 1, 1, 1)).astype(np.float32)
    noise = rng.standard_normal(tuple(frames.shape), dtype=np.float32) * sigma
    return (frames.float() * torch.from_numpy(gain) + torch.from_numpy(noise)).round().clamp(0, 255).byte()
