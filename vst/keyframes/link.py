"""How two neighbouring frames relate, both ways, as the keyframes' flow is composed from it."""

from __future__ import annotations

from dataclasses import dataclass

from vst.keyframes.operations import ARRAYS, Field, Operations, operations
from vst.keyframes.trust import ROUGHLY, STRICTLY, squared_length, steps_within, within
from vst.motion import FlowPair

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

    flow: Field
    holds: Field
    nearly: Field

    @classmethod
    def of(cls, flow: Field, back: Field) -> Step:
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
    def of(cls, pair: FlowPair, on: Operations = ARRAYS) -> Link:
        """The link of what an estimator found, as fields of some kind; infilled where it does not hold.

        Flow is wrong where there is nothing to follow, or a texture repeats itself; the motion around is a
        better guess there. Where that does not cancel either, something is hidden.
        """
        backward, forward = on.field(pair.backward), on.field(pair.forward)
        later, earlier = Step.of(backward, forward), Step.of(forward, backward)
        from_later, from_earlier = _infilled(later), _infilled(earlier)
        return cls(_renewed(later, from_later, from_earlier), _renewed(earlier, from_earlier, from_later))


@dataclass(frozen=True, slots=True)
class _Infilled:
    """Flow H×W×2 that is infilled, and where it may have changed, H×W bool."""

    flow: Field
    filled: Field


def _infilled(step: Step) -> _Infilled:
    """Flow with the mean of what holds nearby where it does not hold, and motion is alike all around."""
    flow, holds = step.flow, step.holds
    height, width = holds.shape
    on, first = operations(flow), _STRIDE // 2
    if holds.all() or min(height, width) <= first:
        return _Infilled(flow, ~holds)
    around, known = _smooth_flow(
        flow[first::_STRIDE, first::_STRIDE], holds[first::_STRIDE, first::_STRIDE]
    )
    filled = ~holds & (on.resized_mask(on.bytes(known), height, width) > 0)
    return _Infilled(on.where(~filled, flow, on.resized(around, height, width)), filled)


def _renewed(step: Step, there: _Infilled, back: _Infilled) -> Step:
    """The step with infilled flow; it is compared again only where that, or the flow back, is new."""
    on = operations(step.flow)
    places = on.places(there.flow)
    pixels = on.few(there.filled | (on.sample(on.bytes(back.filled), places, nearest=True) > 0))
    if pixels is None:
        return Step.of(there.flow, back.flow)
    if len(pixels):
        flow = there.flow.reshape(-1, 2)[pixels]
        again = within(flow, places.reshape(-1, 2)[pixels], back.flow, STRICTLY, ROUGHLY)
        # Nobody else has these masks yet.
        for mask, now in zip((step.holds, step.nearly), again, strict=True):
            mask.reshape(-1)[pixels] = now
    return Step(there.flow, step.holds, step.nearly)


def _smooth_flow(flow: Field, holds: Field) -> tuple[Field, Field]:
    """The mean of flow that holds in the smallest neighbourhood with enough; where that is one motion.

    Args:
        flow: h×w×2, pixels.
        holds: h×w bool.
    """
    on = operations(flow)
    weight = on.floats(holds)
    moments = on.stacked(weight, flow * weight[..., None], squared_length(flow) * weight)
    around = on.zeros(*flow.shape)
    found = known = on.zeros(*holds.shape) > 0
    for side in _SIDES:
        means = on.mean_around(moments, side)
        share = means[..., 0].clip(1e-6)
        mean = means[..., 1:3] / share[..., None]
        length = squared_length(mean)
        alike = means[..., 3] / share - length < _LARGEST_SPREAD + _LARGEST_RELATIVE_SPREAD * length
        now = (share > _LEAST_SHARE) & ~found
        around = on.where(now, mean, around)
        found, known = found | now, known | (now & alike)
    return around, known
