"""What the engines ask of a stylizer: keyframes, and regions that no keyframe shows."""

from __future__ import annotations

from typing import Protocol, Self

from torch import Tensor

from vst.frame import Frame, Past
from vst.keyframes.compositing import fill
from vst.keyframes.cue import Cue
from vst.keyframes.operations import Field, operations
from vst.motion import FlowPair

_MOST_MISSING = 0.01
"""Share of a frame above which what no keyframe shows is stylized anew."""


class Linked(Protocol):
    """A frame with the flow to the one before it."""

    @property
    def frame(self) -> Frame:
        """At working resolution."""
        ...

    @property
    def pair(self) -> FlowPair | None:
        """Flow between the frame and the one before; None where a shot begins, or borders change."""
        ...

    @property
    def cue(self) -> Cue:
        """What the frame asks of the keyframes."""
        ...

    def without_pair(self) -> Self:
        """The frame alone: it waits for the next keyframe, and its flow is kept in another form."""
        ...


class StylizesFrames(Protocol):
    """What the engines need of a stylizer."""

    conditioned: bool

    def stylize(self, frame: Frame, past: Past | None) -> Tensor: ...


def stylize_from(
    stylizer: StylizesFrames, frame: Frame, past: Field, trust: Field, steadiness: float = 1.0
) -> Tensor:
    """Stylize a frame; from what is carried to it, if the stylizer is conditioned.

    Args:
        stylizer: Stylizes.
        frame: The frame.
        past: H×W×3 float32, −1..1, what was stylized before, warped to the frame.
        trust: H×W uint8, 1 where it can be trusted.
        steadiness: How much of that trust the network is given, 0 to 1.

    Returns:
        3×H×W, −1..1.
    """
    if not stylizer.conditioned:
        return stylizer.stylize(frame, None)
    on = operations(past)
    mask = on.tensor(on.floats(trust))
    if steadiness != 1:
        mask = mask * steadiness
    return stylizer.stylize(frame, Past(on.tensor(past) * mask, mask))


def stylize_missing(stylizer: StylizesFrames, frame: Frame, composed: Field, hole: Field) -> Field:
    """Stylize what no keyframe shows, with what is around it as the past.

    Args:
        stylizer: Stylizes.
        frame: The frame.
        composed: H×W×3 float32, −1..1, what is carried to it.
        hole: H×W uint8, 1 where that is of no use.

    Returns:
        H×W×3 float32, −1..1: `composed` where there is little to stylize.
    """
    on = operations(composed)
    if on.share(hole) > _MOST_MISSING:
        composed = fill(composed, on.field(stylize_from(stylizer, frame, composed, 1 - hole)), hole)
    # Interpolation overshoots, which pixels of more than 8 bits would show.
    return composed.clip(-1, 1)
