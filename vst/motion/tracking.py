"""The motion stage: every frame with its motion to earlier frames of its shot."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.distances import DISTANCES
from vst.frame import Frame, Motion
from vst.motion.consistency import FAR, NEAR, trusted_mask
from vst.motion.estimator import Estimator, to_bytes
from vst.motion.infilling import LENT, borrow, coherent
from vst.motion.resize import resize_flow, resize_mask
from vst.motion.warping import inside, warp

_WORTHWHILE = 0.002
"""Part of the picture that a further distance must be able to fill to be worth its flow."""

_HALVED_FROM = 240
"""Short side in pixels from which flow to frames further back is estimated at half the resolution: half the
time in all, and a tenth less is filled (moving discs of 60 to 140 pixels, 640×360, dis)."""

_PATH_SHRINK = 8
"""The path a pixel took is followed on a grid this much coarser."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """A frame and how it relates to earlier frames of its shot.

    Attributes:
        frame: The frame.
        new_shot: A new shot begins here; there are no motions then.
        motions: By distance, nearest first. Distances that would fill nothing are absent.
    """

    frame: Frame
    new_shot: bool
    motions: Mapping[int, Motion]


def track(
    frames: Iterable[tuple[Frame, bool]], estimator: Estimator, distances: Sequence[int] = DISTANCES
) -> Iterator[Tracked]:
    """Motion from each frame to earlier ones, as ``shots`` cut them; none across a cut.

    The nearest distance is always estimated. A further one is estimated only where what no nearer frame can
    be trusted for, and what did not come from outside of the frame, is more than 0.2 % of the picture: so
    nothing is spent while nothing is uncovered.

    Motions of frame t depend on frames t − max(distances) .. t of its shot and on nothing else, so a run
    that begins that many frames earlier gives the same ones, bit for bit. That many frames are kept, in 8
    bits and at half resolution where that is fine enough.

    Args:
        frames: What ``shots`` yields.
        estimator: From ``create_estimator``.
        distances: Which earlier frames the mode wants; empty for none, which costs nothing.

    Yields:
        One ``Tracked`` per frame, in order.

    Raises:
        ValueError: A distance is not a positive whole number, or frames differ in size.
    """
    wanted = sorted(set(distances))
    if any(each < 1 for each in wanted):
        raise ValueError(f"distances are {tuple(distances)}; expected whole numbers from 1")
    past = Tracker(estimator, wanted) if wanted else None
    for frame, begins in frames:
        if past is None:
            yield Tracked(frame, begins, {})
            continue
        if begins:
            past.clear()
        yield Tracked(frame, begins, past.advance(frame.image))


class Tracker:
    """The frames of a shot so far, as far back as they are wanted, and the path between them.

    ``track`` for one shot, a frame at a time, for those who go back in it.

    Args:
        estimator: From ``create_estimator``.
        distances: Which earlier frames are wanted, nearest first; at least one.
    """

    def __init__(self, estimator: Estimator, distances: Sequence[int]) -> None:
        self._estimator = estimator
        self._distances = distances
        self._near: deque[Tensor] = deque(maxlen=distances[0])
        self._far: deque[Tensor] = deque(maxlen=distances[-1])
        # Coarse flow of frame t−k to frame t−k−1, k = 0 first. Only kept where distance 1 is estimated.
        self._steps: deque[Tensor] = deque(maxlen=distances[-1])

    def clear(self) -> None:
        """A new shot begins."""
        self._near.clear()
        self._far.clear()
        self._steps.clear()

    def snapshot(self) -> tuple[tuple[Tensor, ...], ...]:
        """What is remembered, exactly; the tensors are never changed in place."""
        return tuple(self._near), tuple(self._far), tuple(self._steps)

    def restore(self, state: tuple[tuple[Tensor, ...], ...]) -> None:
        """Remember what ``snapshot`` gave and nothing else."""
        self.clear()
        for kept, given in zip((self._near, self._far, self._steps), state, strict=True):
            kept.extend(given)

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
            self._look_further(motions, far, image)
        self._near.appendleft(near)
        if several:
            self._far.appendleft(far)
        return motions

    def _look_further(self, motions: dict[int, Motion], far: Tensor, image: Tensor) -> None:
        untrusted = motions[self._distances[0]].mask < 0.5
        misfits: dict[int, Tensor] = {}
        for distance in self._distances[1:]:
            if len(self._far) < distance:
                break
            if not self._worthwhile(untrusted, distance):
                continue
            motion, misfits[distance] = self._further(far, self._far[distance - 1], distance, image)
            motions[distance] = motion
            untrusted = untrusted & (motion.mask < 0.5)
        if misfits:
            _lend(motions, misfits, untrusted)

    def _worthwhile(self, untrusted: Tensor, distance: int) -> bool:
        """Whether enough of what is untrusted may have been in the picture so many frames ago."""
        if untrusted.float().mean() <= _WORTHWHILE:
            return False
        if len(self._steps) < distance:
            return True
        path = self._steps[0]
        for k in range(1, distance):
            path = path + warp(self._steps[k], path, mode="bilinear")
        was_inside = F.interpolate(inside(path)[None].float(), size=untrusted.shape[-2:])[0] > 0.5
        return bool((untrusted & was_inside).float().mean() > _WORTHWHILE)

    def _nearest(self, current: Tensor, earlier: Tensor, distance: int, image: Tensor) -> Motion:
        flow, mask, _ = self._trusted(current, earlier, NEAR, image.device)
        return Motion(flow, mask, distance)

    def _further(
        self, current: Tensor, earlier: Tensor, distance: int, image: Tensor
    ) -> tuple[Motion, Tensor]:
        """Motion from further back, and the misfit of what is borrowed for the rest, 1×H×W."""
        flow, mask, seen = self._trusted(current, earlier, FAR, image.device)
        mask = coherent(flow, mask)
        flow, misfit = borrow(flow, mask, *seen)
        size = image.shape[-2:]
        misfit = F.interpolate(misfit[None], size=size)[0]
        return Motion(resize_flow(flow, size), resize_mask(mask, size), distance), misfit

    def _trusted(
        self, current: Tensor, earlier: Tensor, tolerance: float, device: torch.device
    ) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
        """Backward flow, where it can be trusted, and both pictures, 0..1."""
        backward, forward = (each.to(device) for each in self._estimator.estimate_pair(current, earlier))
        seen = current.to(device).float() / 255, earlier.to(device).float() / 255
        return backward, trusted_mask(forward, backward, *seen, tolerance), seen


def _lend(motions: dict[int, Motion], misfits: dict[int, Tensor], untrusted: Tensor) -> None:
    """Trust what was borrowed, for pixels that have nothing else, at the distance where it fits best.

    Not at the nearest: a frame ago what has come back was hidden, and something else may look alike.
    """
    distances = list(misfits)
    least, best = torch.stack([misfits[distance] for distance in distances]).min(0)
    for place, distance in enumerate(distances):
        motion = motions[distance]
        lent = untrusted & (best == place) & least.isfinite()
        if not lent.any():
            continue
        # On snow, where everything looks alike, each pixel would choose another distance and direction.
        whole = coherent(motion.flow, torch.where(lent, 1.0, motion.mask), LENT)
        motions[distance] = replace(motion, mask=torch.maximum(whole, motion.mask))


def _halve(image: Tensor) -> Tensor:
    """The picture at half its size, in 8 bits; one that is small already as it is."""
    height, width = image.shape[-2:]
    if min(height, width) < _HALVED_FROM:
        return image
    small = F.interpolate(image[None].float(), size=((height + 1) // 2, (width + 1) // 2), mode="area")[0]
    return to_bytes(small)


def _coarse(flow: Tensor) -> Tensor:
    """Flow on the grid on which paths are followed, in its pixels."""
    height, width = flow.shape[-2:]
    small = (max(height // _PATH_SHRINK, 2), max(width // _PATH_SHRINK, 2))
    shrunk = F.interpolate(flow[None], size=small, mode="area")[0]
    return shrunk * shrunk.new_tensor((small[1] / width, small[0] / height)).view(2, 1, 1)
