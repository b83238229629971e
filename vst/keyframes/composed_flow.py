"""Flow from the frames of an interval to one of its keyframes, composed from steps between neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from vst.keyframes.trust import alike, difference, step_holds
from vst.motion.fields import Array, is_inside, sample

_MEDIAN = 5
"""Side of the median filter over what is trusted, in pixels."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How a frame relates to a keyframe.

    Attributes:
        flow: H×W×2 float32, pixels, on the frame's grid: its pixel p shows what is at p + flow(p) in the
            keyframe.
        trust: H×W uint8, 1 where that can be trusted.
        difference: H×W float32, 0 to 255: how much the frame and the keyframe, warped by the flow, differ.
    """

    flow: Array
    trust: Array
    difference: Array


class ComposedFlow:
    """Composes flow step by step, away from a keyframe in one direction of time.

    F(t)(p) = f(p) + F(t−1)(p + f(p)), where f is the step from frame t to the frame before on the way from
    the keyframe. A pixel is trusted while every step holds and the keyframe looks like the frame there;
    what has lost trust does not get it back further away, or it would flicker.

    Args:
        luma: The keyframe's, H×W uint8.
    """

    def __init__(self, luma: Array) -> None:
        self._luma = luma
        height, width = luma.shape
        self._flow = np.zeros((height, width, 2), np.float32)
        self._trust = np.ones((height, width), np.uint8)

    def snapshot(self) -> tuple[Tensor, ...]:
        """The exact state, as tensors that are not changed afterwards."""
        return tuple(map(torch.from_numpy, (self._luma, self._flow, self._trust)))

    @classmethod
    def from_snapshot(cls, state: tuple[Tensor, ...]) -> ComposedFlow:
        """What `snapshot` was taken of."""
        luma, flow, trust = (each.numpy() for each in state)
        composed = cls(luma)
        composed._flow, composed._trust = flow, trust
        return composed

    def extend(self, luma: Array, step: Array, back: Array) -> Reach:
        """The next frame.

        Args:
            luma: Its luma, H×W uint8.
            step: H×W×2, from this frame to the one before on the way from the keyframe.
            back: H×W×2, from that one to this.
        """
        flow = step + sample(self._flow, step)
        differences = difference(luma, self._luma, flow)
        holds = step_holds(step, back) & is_inside(flow) & alike(differences)
        self._trust = sample(self._trust, step) * holds.astype(np.uint8)
        self._flow = flow
        # Single pixels are noise of the tests, and would show as speckles.
        return Reach(flow, cv2.medianBlur(self._trust, _MEDIAN), differences)
