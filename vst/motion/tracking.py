"""Motion from each frame to earlier ones of its shot, for `vst flow` and for evaluation."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.distances import DISTANCES
from vst.frame import Frame, Motion
from vst.motion.consistency import ADJACENT_TOLERANCE, DISTANT_TOLERANCE, trusted_mask
from vst.motion.estimator import Estimator, to_bytes
from vst.motion.resize import halve, resize_flow, resize_mask
from vst.motion.warping import inside, warp

_MIN_SHARE = 0.002
"""Flow over a further distance is estimated if it may fill more than this share of the frame."""

_HALVED_FROM = 240
"""Short side in pixels from which flow to frames further back is estimated at half the resolution: half the
total time, and a tenth less is filled (moving discs of 60 to 140 pixels, 640×360, dis)."""

_PATH_SHRINK = 8
"""Paths of pixels are followed on a grid this many times coarser."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """A frame and how it relates to earlier frames of its shot.

    Attributes:
        frame: The frame.
        new_shot: Whether a new shot begins here; there are no motions then.
        motions: By distance, nearest first. Distances that would fill nothing are absent.
    """

    frame: Frame
    new_shot: bool
    motions: Mapping[int, Motion]


def track(
    frames: Iterable[tuple[Frame, bool]], estimator: Estimator, distances: Sequence[int] = DISTANCES
) -> Iterator[Tracked]:
    """Motion from each frame to earlier frames of its shot; none across a cut.

    The nearest distance is always estimated. A further one is estimated only if the pixels that no nearer
    frame is trusted for, and that did not enter from outside of the frame, are more than 0.2 % of the
    frame. So nothing further is estimated while nothing is disoccluded.

    Motions of frame t depend only on frames t − max(distances) .. t of its shot, so a run that begins that
    many frames earlier gives the same motions, bit for bit. That many frames are kept, in 8 bits and for
    large frames at half resolution.

    Args:
        frames: What ``shots`` yields.
        estimator: From ``create_estimator``.
        distances: Distances in frames at which motion is estimated; nothing is computed if empty.

    Yields:
        One ``Tracked`` per frame, in order.

    Raises:
        ValueError: A distance is not a positive whole number, or frames differ in size.
    """
    wanted = sorted(set(distances))
    if any(each < 1 for each in wanted):
        raise ValueError(f"distances are {tuple(distances)}; expected whole numbers from 1")
    tracker = Tracker(estimator, wanted) if wanted else None
    for frame, new_shot in frames:
        if tracker is None:
            yield Tracked(frame, new_shot, {})
            continue
        if new_shot:
            tracker.clear()
        yield Tracked(frame, new_shot, tracker.advance(frame.image))


class Tracker:
    """``track`` for one shot, frame by frame.

    Keeps the last frames of the shot, up to the largest distance, and the coarse flow between them.

    Args:
        estimator: From ``create_estimator``.
        distances: Distances in frames, nearest first; at least one.
    """

    def __init__(self, estimator: Estimator, distances: Sequence[int]) -> None:
        self._estimator = estimator
        self._distances = distances
        self._near: deque[Tensor] = deque(maxlen=distances[0])
        self._far: deque[Tensor] = deque(maxlen=distances[-1])
        # Coarse flow of frame t−k to frame t−k−1, k = 0 first. Only kept where distance 1 is estimated.
        self._steps: deque[Tensor] = deque(maxlen=distances[-1])

    def clear(self) -> None:
        """Start a new shot: forget all frames."""
        self._near.clear()
        self._far.clear()
        self._steps.clear()

    def advance(self, image: Tensor) -> dict[int, Motion]:
        """Motions of the shot's next frame, 3×H×W, by distance, as ``Tracked.motions``."""
        nearest = self._distances[0]
        near = self._estimator.prepare(image)
        several = len(self._distances) > 1
        far = self._estimator.prepare(_halve(image)) if several else near
        motions: dict[int, Motion] = {}
        if len(self._near) >= nearest:
            motions[nearest] = self._nearest(near, self._near[-1], nearest, image)
            if nearest == 1:
                self._steps.appendleft(_coarse(motions[1].flow))
            self._add_further(motions, far, image)
        self._near.appendleft(near)
        if several:
            self._far.appendleft(far)
        return motions

    def _add_further(self, motions: dict[int, Motion], far: Tensor, image: Tensor) -> None:
        untrusted = motions[self._distances[0]].mask < 0.5
        for distance in self._distances[1:]:
            if len(self._far) < distance:
                break
            if self._may_fill(untrusted, distance):
                motions[distance] = self._further(far, self._far[distance - 1], distance, image)
                untrusted = untrusted & (motions[distance].mask < 0.5)

    def _may_fill(self, untrusted: Tensor, distance: int) -> bool:
        """Whether enough untrusted pixels may have been inside of the frame at this distance."""
        if untrusted.float().mean() <= _MIN_SHARE:
            return False
        if len(self._steps) < distance:
            return True
        path = self._steps[0]
        for k in range(1, distance):
            path = path + warp(self._steps[k], path, mode="bilinear")
        was_inside = F.interpolate(inside(path)[None].float(), size=untrusted.shape[-2:])[0] > 0.5
        return bool((untrusted & was_inside).float().mean() > _MIN_SHARE)

    def _nearest(self, current: Tensor, earlier: Tensor, distance: int, image: Tensor) -> Motion:
        return Motion(*self._estimate(current, earlier, ADJACENT_TOLERANCE, image.device), distance)

    def _further(self, current: Tensor, earlier: Tensor, distance: int, image: Tensor) -> Motion:
        flow, mask = self._estimate(current, earlier, DISTANT_TOLERANCE, image.device)
        size = image.shape[-2:]
        return Motion(resize_flow(flow, size), resize_mask(mask, size), distance)

    def _estimate(
        self, current: Tensor, earlier: Tensor, tolerance: float, device: torch.device
    ) -> tuple[Tensor, Tensor]:
        """Backward flow, and where it can be trusted."""
        backward, forward = (each.to(device) for each in self._estimator.estimate_pair(current, earlier))
        pictures = current.to(device).float() / 255, earlier.to(device).float() / 255
        return backward, trusted_mask(forward, backward, *pictures, tolerance)


def _halve(image: Tensor) -> Tensor:
    """The picture at half its size, in 8 bits; a small one is returned unchanged."""
    return image if min(image.shape[-2:]) < _HALVED_FROM else to_bytes(halve(image.float()))


def _coarse(flow: Tensor) -> Tensor:
    """Flow on the coarse grid of paths, in pixels of that grid."""
    height, width = flow.shape[-2:]
    small = (max(height // _PATH_SHRINK, 2), max(width // _PATH_SHRINK, 2))
    shrunk = F.interpolate(flow[None], size=small, mode="area")[0]
    return shrunk * shrunk.new_tensor((small[1] / width, small[0] / height)).view(2, 1, 1)
