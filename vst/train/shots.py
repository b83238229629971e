"""Single sequences to train on: of clips, of camera moves over photographs, and of synthetic scenes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from vst.modes.training import to_unit
from vst.synthetic import Scene, SceneConfig
from vst.train.camera import camera_move
from vst.train.clips import Clip
from vst.train.picture_files import Loadable

_TRIES = 10
"""At most this many real sequences are drawn to find one that changes enough and has no cut."""

_CUT = 5.0
"""A change this many times the median (plus 0.01) is a cut: in 23 clips the one cut has 11.7, all else 2.5
at most."""


class Shot(NamedTuple):
    """Frames T×3×S×S uint8; exact flow T×2×S×S and mask T×1×S×S to the frame before, where known.

    The first frame has no frame before it: flow and mask 0. `shown` is what the network is shown in place
    of exact motion; None: that, or what is estimated.
    """

    frames: Tensor
    motion: tuple[Tensor, Tensor] | None = None
    shown: tuple[Tensor, Tensor] | None = None


def camera_sequence(photo: np.ndarray, times: Sequence[int], size: int, rng: np.random.Generator) -> Shot:
    """A camera that moves over a photograph, with exact motion; `times` as of `camera_move`."""
    move = camera_move(photo, times, size, rng)
    motion = torch.from_numpy(move.flow), torch.from_numpy(move.mask)
    return Shot(torch.from_numpy(move.frames).permute(0, 3, 1, 2), from_second(*motion))


def from_second(flow: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Motion of all frames but the first as motion of all."""
    return torch.cat((torch.zeros_like(flow[:1]), flow)), torch.cat((torch.zeros_like(mask[:1]), mask))


def synthetic_sequence(
    photos: Sequence[Loadable], times: Sequence[int], size: int, rng: np.random.Generator
) -> Shot:
    """A synthetic scene made of photographs, or as often a camera move over one; `times` as of these."""
    if rng.random() < 0.5:
        chosen = [photos[int(index)].load() for index in rng.integers(len(photos), size=4)]
        return scene_sequence(chosen, times, size, rng)
    return camera_sequence(photos[int(rng.integers(len(photos)))].load(), times, size, rng)


def scene_sequence(
    photos: Sequence[np.ndarray], times: Sequence[int], size: int, rng: np.random.Generator
) -> Shot:
    """Objects cut from photographs that cross before another one, with exact flow and occlusion.

    Args:
        photos: H×W×3 uint8 each.
        times: Numbers of the frames that are wanted, rising, from 0.
        size: Side of the frames.
        rng: All that is random.
    """
    scene = Scene(
        SceneConfig(
            width=size,
            height=size,
            frames=times[-1] + 1,
            seed=int(rng.integers(2**31)),
            textures=[to_unit(torch.from_numpy(photo.copy()).permute(2, 0, 1)) for photo in photos],
            objects=int(rng.integers(1, 4)),
            # Some objects are fast enough to hide and uncover the background within a sequence.
            max_speed=float(rng.uniform(3, 12)),
            lighting=0.0,
            noise=0.0,
        )
    )
    frames = torch.stack([scene.frame(t) for t in times])
    motions = [scene.motion(t, t - earlier) for earlier, t in pairwise(times)]
    pixels = (frames.clamp(0, 1) * 255).round().byte()
    flow, mask = (torch.stack([getattr(each, name) for each in motions]) for name in ("flow", "mask"))
    return Shot(pixels, from_second(flow, mask))


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
