"""Keyframes to train on: frames of a sequence that are far apart, and how a render relates them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import torch
from torch import Tensor

from vst.keyframes.composed_flow import ComposedFlow
from vst.keyframes.link import Link
from vst.modes.recipe import SequenceRecipe
from vst.modes.training import to_unit
from vst.motion import FlowPair
from vst.motion.estimators.dis import DisEstimator
from vst.motion.fields import luma_of, to_tensor
from vst.train.clips import Clip
from vst.train.picture_files import Loadable
from vst.train.shots import Shot, from_second, real_sequence, synthetic_sequence

_LARGEST_ERROR = 0.6
"""Pixels by which exact flow is bent, at most: composed flow is not exact."""

_SMOOTH = 12.0
"""Deviation in pixels of the Gaussian that makes this error smooth."""

_LARGEST_RIM = 4
"""Pixels by which a region that is not seen is made larger or smaller, at most."""


def keyframe_sequence(
    recipe: SequenceRecipe,
    photos: Sequence[Loadable],
    clips: Sequence[Clip],
    length: int,
    rng: np.random.Generator,
) -> Shot:
    """One sequence of `length` keyframes, each 1 to `SequenceRecipe.gap` frames after the one before.

    Of a clip, with flow composed as in a render; or of a synthetic scene or a camera move, with exact flow,
    and what the network is shown of it a little wrong.
    """
    if clips and rng.random() >= recipe.synthetic:
        shortest = min(len(clip) for clip in clips)
        gap = min(recipe.gap, (shortest - 1) // (length - 1))
        return _real(clips, keyframe_times(length, gap, rng), recipe, rng)
    times = keyframe_times(length, recipe.gap, rng)
    shot = synthetic_sequence(photos, times, recipe.size, rng)
    assert shot.motion is not None
    return shot._replace(shown=_inexact(*shot.motion, rng))


def keyframe_times(length: int, gap: int, rng: np.random.Generator) -> list[int]:
    """Numbers of `length` frames, rising from 0; half of all sequences have keyframes at even distances."""
    steps = rng.integers(1, gap + 1, size=length - 1)
    if rng.random() < 0.5:
        steps[:] = steps[0]
    return [0, *np.cumsum(steps).tolist()]


def _real(
    clips: Sequence[Clip], times: Sequence[int], recipe: SequenceRecipe, rng: np.random.Generator
) -> Shot:
    """Keyframes of a clip, with the flow that a render composes."""
    frames = real_sequence(clips, times[-1] + 1, recipe.size, rng, recipe.least_change).frames
    motions = [composed_motion(frames[first : last + 1]) for first, last in pairwise(times)]
    flow, mask = (torch.stack(parts) for parts in zip(*motions, strict=True))
    return Shot(frames[list(times)].contiguous(), None, from_second(flow, mask))


def composed_motion(frames: Tensor) -> tuple[Tensor, Tensor]:
    """Flow and trust from the last frame to the first, composed from steps between neighbours.

    Args:
        frames: T×3×S×S uint8.

    Returns:
        Flow 2×S×S and mask 1×S×S.
    """
    # Small frames need no search at full resolution: a render of larger ones has none either.
    estimator = DisEstimator(fine_below=0)
    images = [to_unit(frame) for frame in frames]
    composed = ComposedFlow(luma_of(images[0]))
    reach = None
    for earlier, current in pairwise(images):
        pair = FlowPair(*estimator.estimate_pair(current, earlier))
        reach = composed.extend(luma_of(current), Link.of(pair).backward)
    assert reach is not None
    return to_tensor(reach.flow), to_tensor(reach.trust.astype(np.float32))


def _inexact(flow: Tensor, mask: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Exact motion as a render may have it: flow T×2×S×S a little bent, masks T×1×S×S with other rims."""
    amount = rng.uniform(0, _LARGEST_ERROR)
    noise = rng.standard_normal((*flow.shape[2:], 2 * len(flow))).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), _SMOOTH)
    smooth = smooth * np.float32(amount / max(float(smooth.std()), 1e-6))
    bent = flow + torch.from_numpy(smooth.transpose(2, 0, 1).reshape(flow.shape))
    rim = int(rng.integers(-_LARGEST_RIM, _LARGEST_RIM + 1))
    kernel = np.ones((2 * abs(rim) + 1,) * 2, np.uint8)
    change = cv2.erode if rim > 0 else cv2.dilate
    planes = [change(plane[0].numpy(), kernel) for plane in mask]
    return bent, torch.from_numpy(np.stack(planes))[:, None]
