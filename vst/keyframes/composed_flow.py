"""Flow from the frames of an interval to one of its keyframes, composed from steps between neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from vst.keyframes.link import Step
from vst.keyframes.trust import alike, difference
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
        usable: H×W uint8, 1 where it is at least nearly right: what is not shown better elsewhere is still
            better carried from there than stylized anew.
        difference: H×W float32, 0 to 255: how much the frame and the keyframe, warped by the flow, differ.
    """

    flow: Array
    trust: Array
    usable: Array
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
        self._usable = self._trust

    def snapshot(self) -> tuple[Tensor, ...]:
        """The exact state, as tensors that are not changed afterwards."""
        return tuple(map(torch.from_numpy, (self._luma, self._flow, self._trust, self._usable)))

    @classmethod
    def from_snapshot(cls, state: tuple[Tensor, ...]) -> ComposedFlow:
        """What `snapshot` was taken of."""
        luma, flow, trust, usable = (each.numpy() for each in state)
        composed = cls(luma)
        composed._flow, composed._trust, composed._usable = flow, trust, usable
        return composed

    def extend(self, luma: Array, step: Step) -> Reach:
        """The next frame.

        Args:
            luma: Its luma, H×W uint8.
            step: From this frame to the one before on the way from the keyframe.
        """
        flow = step.flow + sample(self._flow, step.flow)
        differences = difference(luma, self._luma, flow)
        shown = is_inside(flow) & alike(differences)
        self._trust = sample(self._trust, step.flow) * (shown & step.holds).astype(np.uint8)
        self._usable = sample(self._usable, step.flow) * (shown & step.nearly).astype(np.uint8)
        self._flow = flow
        # Single pixels are noise of the tests, and would show as speckles.
        trust, usable = (cv2.medianBlur(each, _MEDIAN) for each in (self._trust, self._usable))
        return Reach(flow, trust, usable, differences)
