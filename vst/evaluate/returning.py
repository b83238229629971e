"""Whether what was lost from sight comes back in its colours, as far as estimated motion can tell."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vst.evaluate.reappearance import reappearance_error
from vst.frame import Motion
from vst.motion.estimator import to_bytes
from vst.motion.tracking import DISTANCES

BACK = "reappearance"
"""The name of this metric."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back in one frame.

    Attributes:
        error: Mean over these pixels of (O_t − W(O_{t−d}))², with d the nearest distance at which they are
            trusted; not a number if there are none.
        pixels: How many.
    """

    error: float
    pixels: int


def mean_error(frames: Sequence[Returned]) -> float:
    """Mean over all pixels that came back; not a number if none did."""
    there = [frame for frame in frames if frame.pixels]
    pixels = sum(frame.pixels for frame in there)
    return math.fsum(frame.error * frame.pixels for frame in there) / pixels if pixels else math.nan


@dataclass
class Returning:
    """``reappearance_error`` without a scene that knows what was hidden.

    Counted are the pixels that cannot be trusted one frame back, but two or more frames back: what the
    memory of a mode may fill. Keeps the last 17 pictures of each output of a shot, in 8 bits.
    """

    names: Collection[str]
    """Of the outputs."""

    frames: dict[str, list[Returned]] = field(default_factory=dict, init=False)
    """By name, for every frame so far."""

    def __post_init__(self) -> None:
        self.frames = {name: [] for name in self.names}
        self._past: dict[str, deque[Tensor]] = {name: deque(maxlen=max(DISTANCES)) for name in self.names}

    def step(self, outputs: Mapping[str, Tensor], motions: Mapping[int, Motion], new_shot: bool) -> None:
        """The next frame.

        Args:
            outputs: 3×H×W each, 0..1, by name.
            motions: By distance, as ``vst.motion.tracking`` gives them.
            new_shot: Whether a shot begins here.
        """
        regions = _regions(motions)
        for name in self.names:
            past = self._past[name]
            if new_shot:
                past.clear()
            found = [_returned(past, outputs[name], motion, region) for motion, region in regions]
            self.frames[name].append(Returned(mean_error(found), sum(each.pixels for each in found)))
            past.appendleft(to_bytes(outputs[name]))


def _regions(motions: Mapping[int, Motion]) -> list[tuple[Motion, Tensor]]:
    """Each further motion with what is trusted there first, 1×H×W boolean."""
    if 1 not in motions:
        return []
    lost = motions[1].mask < 0.5
    regions = []
    for distance in sorted(set(motions) - {1}):
        motion = motions[distance]
        regions.append((motion, lost & (motion.mask >= 0.5)))
        lost = lost & (motion.mask < 0.5)
    return regions


def _returned(past: Sequence[Tensor], output: Tensor, motion: Motion, region: Tensor) -> Returned:
    pixels = int(region.sum())
    if not pixels or motion.distance > len(past):
        return Returned(math.nan, 0)
    before = past[motion.distance - 1].to(torch.float32) / 255
    return Returned(reappearance_error(before, output, motion.flow, region), pixels)
