"""The frames of an output with the largest temporal error, as images and error maps for a report."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.frame import Motion
from vst.motion.estimator import to_bytes
from vst.motion.resize import resize_mask
from vst.motion.warping import warp

MAX_LONG_SIDE = 480
"""Pixels; larger images are stored smaller."""

MIN_DISTANCE = 5
"""Frames; of two that are nearer than this only the worse is kept."""


@dataclass(frozen=True, slots=True)
class WorstFrame:
    """One frame of an output.

    Attributes:
        index: Number of the frame, from 0.
        error: Its term of E.
        frame: 3×h×w, 8 bits, the input frame.
        output: 3×h×w, 8 bits.
        errors: 1×h×w, the root of the squared difference's mean over R, G and B; 0..1.
        mask: 1×h×w, 1 where the reference flow is trusted.
    """

    index: int
    error: float
    frame: Tensor
    output: Tensor
    errors: Tensor
    mask: Tensor


class WorstFrames:
    """Keeps the worst frames of one output.

    Args:
        count: Maximal number of frames.
    """

    def __init__(self, count: int = 3) -> None:
        self._count = count
        self._kept: list[WorstFrame] = []

    @property
    def kept(self) -> tuple[WorstFrame, ...]:
        """The frames so far, the worst first."""
        return tuple(sorted(self._kept, key=lambda each: -each.error))

    def offer(
        self, index: int, error: float, frame: Tensor, previous: Tensor, current: Tensor, motion: Motion
    ) -> None:
        """Keep a frame if it is among the worst.

        Args:
            index: Its number.
            error: Its term of E.
            frame: 3×H×W, 0..1, the input frame, on whose grid the motion is.
            previous: 3×H×W, 0..1, what is warped.
            current: 3×H×W, 0..1, what it is compared with.
            motion: Of the reference flow.
        """
        near = [each for each in self._kept if abs(each.index - index) < MIN_DISTANCE]
        if any(each.error >= error for each in near):
            return
        rest = [each for each in self._kept if abs(each.index - index) >= MIN_DISTANCE]
        if len(rest) >= self._count:
            least = min(rest, key=lambda each: each.error)
            if least.error >= error:
                return
            rest.remove(least)
        errors = (current - warp(previous, motion.flow)).square().mean(dim=0, keepdim=True).sqrt()
        self._kept = [
            *rest,
            WorstFrame(
                index,
                error,
                to_bytes(shrunk(frame)),
                to_bytes(shrunk(current)),
                shrunk(errors * motion.mask),
                resize_mask(motion.mask, shrunk(motion.mask).shape[-2:]),
            ),
        ]


def shrunk(planes: Tensor) -> Tensor:
    """Planes, C×H×W, with a longer side of at most `MAX_LONG_SIDE`."""
    height, width = planes.shape[-2:]
    factor = MAX_LONG_SIDE / max(height, width)
    if factor >= 1:
        return planes.clone()
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    return F.interpolate(planes[None].to(torch.float32), size=size, mode="area")[0]
