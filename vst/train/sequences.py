"""Training on sequences: algorithm 2 of the thesis, mixed and unrolled, for vtn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from vst.losses import PerceptualLoss, temporal_loss
from vst.motion import create_estimator, trusted_mask, warp
from vst.train.camera import camera_move
from vst.train.pictures import Picture
from vst.train.recipe import Recipe
from vst.train.scenes import Scene, SceneConfig
from vst.train.still import different_styles, generator, photo_batch, picture_losses, to_unit


class MixedBatches(Dataset[dict[str, Tensor]]):
    """By step number: photographs without a past (`Recipe.empty` of all), or sequences with motion."""

    def __init__(
        self, recipe: Recipe, photos: Sequence[Picture], clips: Sequence[Sequence[Picture]]
    ) -> None:
        self.recipe, self.photos, self.clips = recipe, photos, clips

    def __len__(self) -> int:
        return self.recipe.steps

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        rng = generator(self.recipe, step)
        if rng.random() < self.recipe.empty:
            return photo_batch(self.recipe, self.photos, rng)
        return self.sequence_batch(rng)

    def sequence_batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """A batch of B sequences of T frames.

        Returns:
            `frames` and `seen` B×T×3×S×S uint8 (clean, and with brightness and noise jitter); `flow`
            B×T−1×2×S×S and `mask` B×T−1×1×S×S to the frame before as `dis` has them, which is what the
            network is shown; `true_flow` and `true_mask` of the same shapes, by which it is judged: exact
            where the sequence is synthetic, so that it learns to paint steadily where the estimate fails;
            `style` B; and `warm_up`, a scalar: how many of the T frames only lead to a deeper state.
        """
        recipe = self.recipe
        warm_up = int(rng.integers(recipe.warm_up + 1))
        length = recipe.unroll + warm_up
        shots = [self.sequence(length, rng) for _ in range(recipe.sequences)]
        frames = torch.stack([shot.frames for shot in shots])
        seen = jitter(frames, recipe, rng)
        estimates = [estimate_motion(each) for each in seen]
        exact = [shot.motion or estimate for shot, estimate in zip(shots, estimates, strict=True)]
        return {
            "frames": frames,
            "seen": seen,
            "flow": torch.stack([flow for flow, _ in estimates]),
            "mask": torch.stack([mask for _, mask in estimates]),
            "true_flow": torch.stack([flow for flow, _ in exact]),
            "true_mask": torch.stack([mask for _, mask in exact]),
            "style": different_styles(recipe, recipe.sequences, rng),
            "warm_up": torch.tensor(warm_up),
        }

    def sequence(self, length: int, rng: np.random.Generator) -> Shot:
        """One sequence: of a clip, of a camera that moves over a photograph, or of a synthetic scene."""
        if self.clips and rng.random() >= self.recipe.synthetic:
            return real_sequence(
                self.clips[int(rng.integers(len(self.clips)))], length, self.recipe.size, rng
            )
        if rng.random() < 0.5:
            photos = [self.photos[int(index)].load() for index in rng.integers(len(self.photos), size=4)]
            return scene_sequence(photos, length, self.recipe.size, rng)
        photo = self.photos[int(rng.integers(len(self.photos)))].load()
        move = camera_move(photo, length, self.recipe.size, rng)
        frames = torch.from_numpy(move.frames).permute(0, 3, 1, 2)
        return Shot(frames, (torch.from_numpy(move.flow), torch.from_numpy(move.mask)))


class Shot(NamedTuple):
    """Frames T×3×S×S uint8; exact flow T−1×2×S×S and mask T−1×1×S×S to the frame before, where known."""

    frames: Tensor
    motion: tuple[Tensor, Tensor] | None = None


def estimate_motion(frames: Tensor) -> tuple[Tensor, Tensor]:
    """Flow and mask to the frame before by `dis`, as a render has them.

    Args:
        frames: T×3×S×S, uint8.

    Returns:
        Flow T−1×2×S×S, mask T−1×1×S×S.
    """
    estimator = create_estimator("dis")
    prepared = [estimator.prepare(frame) for frame in frames]
    flows, masks = [], []
    for earlier, current in pairwise(prepared):
        backward, forward = estimator.estimate_pair(current, earlier)
        flows.append(backward)
        masks.append(trusted_mask(forward, backward, to_unit(current), to_unit(earlier)))
    return torch.stack(flows), torch.stack(masks)


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
            lighting=0.0,
            noise=0.0,
        )
    )
    frames = torch.stack([scene.frame(t) for t in range(length)])
    motions = [scene.motion(t) for t in range(1, length)]
    pixels = (frames.clamp(0, 1) * 255).round().byte()
    flows, masks = [each.flow for each in motions], [each.mask for each in motions]
    return Shot(pixels, (torch.stack(flows), torch.stack(masks)))


def real_sequence(clip: Sequence[Picture], length: int, size: int, rng: np.random.Generator) -> Shot:
    """A square window of consecutive frames of a clip, forwards or backwards in time."""
    first = int(rng.integers(len(clip) - length + 1))
    images = [picture.load() for picture in clip[first : first + length]]
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
        parts.append(cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA) if side != size else part)
    return Shot(torch.from_numpy(np.stack(parts)).permute(0, 3, 1, 2))


def jitter(frames: Tensor, recipe: Recipe, rng: np.random.Generator) -> Tensor:
    """Flicker as cameras make it: each frame a little brighter or darker, and noisy."""
    batch, length = frames.shape[:2]
    gain = 1 + rng.uniform(-recipe.brightness, recipe.brightness, (batch, length, 1, 1, 1)).astype(
        np.float32
    )
    sigma = 255 * rng.uniform(0, recipe.noise, (batch, 1, 1, 1, 1)).astype(np.float32)
    noise = rng.standard_normal(tuple(frames.shape), dtype=np.float32) * sigma
    return (frames.float() * torch.from_numpy(gain) + torch.from_numpy(noise)).round().clamp(0, 255).byte()


class VideoStep:
    """Losses of one batch through a VTN: α content + β style + γ temporal (thesis, eq. 5.8)."""

    def __init__(self, recipe: Recipe, model: nn.Module, perceptual: PerceptualLoss) -> None:
        self.recipe, self.model, self.perceptual = recipe, model, perceptual
        self.type = torch.bfloat16 if recipe.precision == "bf16" else torch.float32

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        mix = torch.nn.functional.one_hot(batch["style"], len(self.recipe.styles)).float()
        if "flow" not in batch:
            frames = to_unit(batch["frames"])
            shown = (frames * 2 - 1).repeat_interleave(len(mix) // len(frames), 0)
            output = self.paint(shown, None, None, mix)
            return picture_losses(self.recipe, self.perceptual, output, frames, batch["style"])
        outputs, temporal = self.unroll(batch, mix)
        warm_up = int(batch["warm_up"])
        frames = to_unit(batch["frames"][:, warm_up:])
        style = batch["style"][:, None].expand(frames.shape[:2])
        losses = picture_losses(
            self.recipe, self.perceptual, outputs.flatten(0, 1), frames.flatten(0, 1), style.flatten()
        )
        losses["total"] = losses["total"] + self.recipe.temporal_weight * temporal
        losses["temporal"] = temporal.detach()
        return losses

    def unroll(self, batch: dict[str, Tensor], mix: Tensor) -> tuple[Tensor, Tensor]:
        """Paint the sequences, each output fed to the next frame, with gradients through time.

        Returns:
            The outputs after warming up, B×unroll×3×S×S, −1..1, and the mean temporal loss between them.
        """
        warm_up = int(batch["warm_up"])
        seen = to_unit(batch["seen"]) * 2 - 1
        outputs: list[Tensor] = []
        errors: list[Tensor] = []
        previous: Tensor | None = None
        for t in range(seen.shape[1]):
            with torch.set_grad_enabled(t >= warm_up):
                mask = warped = None
                if previous is not None:
                    mask = batch["mask"][:, t - 1]
                    warped = warp(previous, batch["flow"][:, t - 1], mode="bicubic")
                output = self.paint(seen[:, t], warped, mask, mix).float()
                if t >= warm_up:
                    outputs.append(output)
                    if previous is not None:
                        carried = warp(previous, batch["true_flow"][:, t - 1], mode="bicubic")
                        errors.append(temporal_loss(output, carried, batch["true_mask"][:, t - 1]))
                previous = output
        return torch.stack(outputs, 1), torch.stack(errors).mean()

    def paint(self, frame: Tensor, warped: Tensor | None, mask: Tensor | None, mix: Tensor) -> Tensor:
        """One frame; without a past the previous frame is empty (0) and the mask zero."""
        if warped is None or mask is None:
            past = frame.new_zeros(frame.shape[0], 4, *frame.shape[2:])
        else:
            past = torch.cat((warped * mask, mask), dim=1)
        inputs = torch.cat((frame, past), dim=1).contiguous(memory_format=torch.channels_last)
        with torch.autocast(frame.device.type, self.type, enabled=self.type != torch.float32):
            return self.model(inputs, mix)
