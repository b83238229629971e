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
from vst.motion import track
from vst.motion.estimators.dis import DisEstimator
from vst.motion.refresh import in_squares, squares
from vst.synthetic import Scene, SceneConfig
from vst.train.camera import camera_move
from vst.train.clips import Clip
from vst.train.pictures import Loadable
from vst.train.recipe import WITH_PAST, Recipe
from vst.train.still import different_styles, generator, photo_batch, to_unit

_TRIES = 10
"""So many real sequences are looked at for one that changes enough and has no cut."""

_CUT = 5.0
"""A change this many times the usual one (plus 0.01) is a cut: in 23 clips the one cut has 11.7, all else
2.5 at most."""


class MixedBatches(Dataset[dict[str, Tensor]]):
    """By step number: photographs without a past (`Recipe.empty` of all), or sequences with motion."""

    def __init__(self, recipe: Recipe, photos: Sequence[Loadable], clips: Sequence[Clip]) -> None:
        self.recipe, self.photos, self.clips = recipe, photos, clips

    def __len__(self) -> int:
        return self.recipe.steps

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        rng = generator(self.recipe, step)
        if rng.random() < self.recipe.empty:
            return photo_batch(self.recipe, self.photos, rng)
        return self.sequence_batch(rng)

    def sequence_batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """A batch of B sequences of T frames, for vtn with K distances of `Recipe.memory`.

        Returns:
            `frames` and `seen` B×T×3×S×S uint8 (clean, and with brightness and noise jitter); `true_flow`
            B×T×2×S×S and `true_mask` B×T×1×S×S to the frame before, by which the network is judged: exact
            where the sequence is synthetic, so that it learns to paint steadily where the estimate fails;
            `style` B; `judged`, the J unrolled frames that the loss network is shown, counted from the
            first of them; and `warm_up`, a scalar: how many of the T frames only lead to a deeper state.

            For vtn, `flow` B×T×K×2×S×S and `mask` B×T×K×1×S×S as a render would have them of what is seen,
            mask 0 where it would have none: this is what the network is shown; and `ageing` B×A×2, shifts
            in pixels, x then y, 0 where there are fewer; and with `Recipe.renewal` `fresh` B×T×1×S×S, 1
            where nothing of the past is to be kept. For lstm, `restart` T, bool: where its memory is
            emptied; `feedback` B: the deviation of the noise on what is fed back; and `seed`, of it.
        """
        recipe = self.recipe
        warm_up = int(rng.integers(recipe.warm_up + 1)) if recipe.mode in WITH_PAST else 0
        length = recipe.unroll + warm_up
        sequences = [self.sequence(length, rng) for _ in range(recipe.sequences)]
        frames = torch.stack([each.frames for each in sequences])
        seen = jitter(frames, recipe, rng)
        shown: dict[str, Tensor] = {}
        if recipe.mode == "vtn":
            flows, masks = zip(*(estimate_motion(each, recipe.memory) for each in seen), strict=True)
            shown = {"flow": torch.stack(flows), "mask": torch.stack(masks)}
            nearest = [(flow[:, 0], mask[:, 0]) for flow, mask in zip(flows, masks, strict=True)]
            judge = [each.motion or estimate for each, estimate in zip(sequences, nearest, strict=True)]
        else:
            judge = [
                each.motion or nearest_motion(pixels) for each, pixels in zip(sequences, seen, strict=True)
            ]
        count = recipe.judged or recipe.unroll
        batch = {
            "frames": frames,
            "seen": seen,
            **shown,
            "true_flow": torch.stack([flow for flow, _ in judge]),
            "true_mask": torch.stack([mask for _, mask in judge]),
            "style": different_styles(recipe, recipe.sequences, rng),
            "judged": torch.from_numpy(np.sort(rng.permutation(recipe.unroll)[:count])),
            "warm_up": torch.tensor(warm_up),
        }
        if recipe.mode == "vtn":
            shifts = rng.uniform(-0.5, 0.5, (recipe.sequences, recipe.ageing, 2)).astype(np.float32)
            times = rng.integers(recipe.ageing + 1, size=(recipe.sequences, 1, 1))
            kept = np.arange(recipe.ageing)[None, :, None] < times
            batch["ageing"] = torch.from_numpy(shifts * kept)
            if recipe.renewal:
                drawn = rng.random((recipe.sequences, length, *squares(recipe.size, recipe.size)))
                fresh = torch.from_numpy((drawn < recipe.renewal).astype(np.float32))
                batch["fresh"] = in_squares(fresh, recipe.size, recipe.size)[:, :, None]
        if recipe.mode == "lstm":
            restart = (rng.random(length) < recipe.restart) & (np.arange(length) >= warm_up)
            deviation = rng.uniform(0, recipe.feedback_noise, recipe.sequences).astype(np.float32)
            batch["restart"] = torch.from_numpy(restart)
            batch["feedback"] = torch.from_numpy(deviation)
            batch["seed"] = torch.tensor(int(rng.integers(2**31)))
        return batch

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

    Small ones would be searched at full resolution: three times the time for motion that no render of
    larger frames will be as exact as.

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
    """Things cut from photographs that cross before another one, with exact flow and occlusion."""
    scene = Scene(
        SceneConfig(
            width=size,
            height=size,
            frames=length,
            seed=int(rng.integers(2**31)),
            textures=[to_unit(torch.from_numpy(photo.copy()).permute(2, 0, 1)) for photo in photos],
            objects=int(rng.integers(1, 4)),
            # Some things are fast enough to hide and show again what is behind them within a sequence.
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


def jitter(frames: Tensor, recipe: Recipe, rng: np.random.Generator) -> Tensor:
    """Flicker as cameras make it: each frame a little brighter or darker, and noisy."""
    batch, length = frames.shape[:2]
    gain = 1 + rng.uniform(-recipe.brightness, recipe.brightness, (batch, length, 1, 1, 1)).astype(
        np.float32
    )
    sigma = 255 * rng.uniform(0, recipe.noise, (batch, 1, 1, 1, 1)).astype(np.float32)
    noise = rng.standard_normal(tuple(frames.shape), dtype=np.float32) * sigma
    return (frames.float() * torch.from_numpy(gain) + torch.from_numpy(noise)).round().clamp(0, 255).byte()
