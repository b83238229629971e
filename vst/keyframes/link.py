"""How two neighbouring frames relate, both ways, as the keyframes' flow is composed from it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vst.keyframes.trust import ROUGHLY, STRICTLY, step_holds, steps_within
from vst.motion import FlowPair
from vst.motion.fields import Array, to_array

_STRIDE = 4
"""Pixels between the places at which flow that does not hold is found anew: it is smooth."""

_SIDES = (3, 7, 21)
"""Sides of the neighbourhoods that are looked at in turn for flow that holds, in strides."""

_LEAST_SHARE = 0.15
"""Of a neighbourhood, that has to hold."""

_LARGEST_SPREAD, _LARGEST_RELATIVE_SPREAD = 2.0, 0.1
"""Variance of what holds there, at most, in squared pixels, beside a share of its mean's squared length: at
the outline of something that moves by itself the mean is neither motion."""


@dataclass(frozen=True, slots=True)
class Step:
    """Flow from a frame to its neighbour.

    Attributes:
        flow: H×W×2 float32, pixels, on the frame's grid.
        holds: H×W bool, where the neighbour's flow back cancels it.
        nearly: H×W bool, where it does within two pixels.
    """

    flow: Array
    holds: Array
    nearly: Array

    @classmethod
    def of(cls, flow: Array, back: Array) -> Step:
        """The step of flow to a neighbour and the neighbour's flow back, H×W×2 each."""
        return cls(flow, *steps_within(flow, back, STRICTLY, ROUGHLY))


@dataclass(frozen=True, slots=True)
class Link:
    """Two neighbouring frames.

    Attributes:
        backward: From the later to the earlier one.
        forward: From the earlier to the later one.
    """

    backward: Step
    forward: Step

    @classmethod
    def of(cls, pair: FlowPair) -> Link:
        """The link of what an estimator found, infilled."""
        there, back = infilled(pair)
        return cls(Step.of(there, back), Step.of(back, there))


def infilled(pair: FlowPair) -> tuple[Array, Array]:
    """Backward and forward flow, H×W×2 each, with the motion around where they do not cancel.

    Flow is wrong where there is nothing to follow, or a texture repeats itself; the motion around is a
    better guess there. Where that does not cancel either, something is hidden.
    """
    backward, forward = to_array(pair.backward), to_array(pair.forward)
    return (
        _infilled(backward, step_holds(backward, forward)),
        _infilled(forward, step_holds(forward, backward)),
    )


def _infilled(flow: Array, holds: Array) -> Array:
    """Flow with the mean of what holds nearby where it does not hold, and motion is alike all around."""
    if holds.all():
        return flow
    height, width = holds.shape
    places = np.s_[_STRIDE // 2 :: _STRIDE, _STRIDE // 2 :: _STRIDE]
    if not holds[places].size:
        return flow
    around, known = _smooth_flow(flow[places], holds[places])
    filled = cv2.resize(around, (width, height), interpolation=cv2.INTER_LINEAR)
    wide = cv2.resize(known.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    kept = (holds | (wide == 0)).astype(np.uint8)
    result: Array = cv2.copyTo(flow, kept, filled)
    return result


def _smooth_flow(flow: Array, holds: Array) -> tuple[Array, Array]:
    """The mean of flow that holds in the smallest neighbourhood with enough; where that is one motion.

    Args:
        flow: h×w×2, pixels.
        holds: h×w bool.
    """
    moments = (
        np.dstack((np.ones(holds.shape, np.float32), flow, np.square(flow).sum(-1))) * holds[..., None]
    )
    around = np.zeros_like(flow)
    found, known = np.zeros((2, *holds.shape), bool)
    for side in _SIDES:
        share, x, y, squares = cv2.split(cv2.blur(moments, (side, side)))
        share = np.maximum(share, 1e-6)
        mean = np.dstack((x, y)) / share[..., None]
        length = np.square(mean).sum(-1)
        alike = squares / share - length < _LARGEST_SPREAD + _LARGEST_RELATIVE_SPREAD * length
        now = (share > _LEAST_SHARE) & ~found
        around[now] = mean[now]
        found |= now
        known |= now & alike
    return around, known
