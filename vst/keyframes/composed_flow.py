"""Flow from the frames of an interval to one of its keyframes, composed from steps between neighbours."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vst.keyframes.link import Step
from vst.keyframes.operations import ARRAYS, Field, Operations, operations
from vst.keyframes.trust import alike, difference

_SIDE = 5
"""Side of the squares of which most has to be trusted, in pixels."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How a frame relates to a keyframe.

    Attributes:
        flow: H×W×2 float32, pixels, on the frame's grid: its pixel p shows what is at p + flow(p) in the
            keyframe.
        trust: H×W uint8, 1 where that can be trusted.
        usable: H×W uint8, 1 where it is at least nearly right: what is not shown better elsewhere is still
            better propagated from there than stylized anew.
        difference: H×W float32, 0 to 255: how much the frame and the keyframe, warped by the flow, differ.
    """

    flow: Field
    trust: Field
    usable: Field
    difference: Field


class ComposedFlow:
    """Composes flow step by step, away from a keyframe in one direction of time.

    F(t)(p) = f(p) + F(t−1)(p + f(p)), where f is the step from frame t to the frame before on the way from
    the keyframe. A pixel is trusted while every step holds and the keyframe looks like the frame there;
    what has lost trust does not get it back further away, or it would flicker.

    Args:
        luma: The keyframe's, H×W uint8.
    """

    def __init__(self, luma: Field) -> None:
        self._on, self._luma = operations(luma), luma
        self._flow = self._on.zeros(*luma.shape, 2)
        self._trust = self._usable = self._on.bytes(self._on.zeros(*luma.shape) == 0)

    def snapshot(self) -> tuple[Tensor, ...]:
        """The exact state, as tensors on the CPU that are not changed afterwards."""
        return tuple(map(self._on.saved, (self._luma, self._flow, self._trust, self._usable)))

    @classmethod
    def from_snapshot(cls, state: tuple[Tensor, ...], on: Operations = ARRAYS) -> ComposedFlow:
        """What `snapshot` was taken of, as fields of some kind."""
        luma, flow, trust, usable = map(on.restored, state)
        composed = cls(luma)
        composed._flow, composed._trust, composed._usable = flow, trust, usable
        return composed

    def extend(self, luma: Field, step: Step) -> Reach:
        """The next frame.

        Args:
            luma: Its luma, H×W uint8.
            step: From this frame to the one before on the way from the keyframe.
        """
        on, before = self._on, self._on.places(step.flow)
        flow = step.flow + on.sample(self._flow, before)
        places = on.places(flow)
        differences = difference(luma, self._luma, places)
        shown = on.is_inside(places, *luma.shape) & alike(differences)
        self._trust = on.sample(self._trust, before, nearest=True) * on.bytes(shown & step.holds)
        self._usable = on.sample(self._usable, before, nearest=True) * on.bytes(shown & step.nearly)
        self._flow = flow
        # Single pixels are noise of the tests, and would show as speckles.
        trust, usable = (on.majority(each, _SIDE) for each in (self._trust, self._usable))
        return Reach(flow, trust, usable, differences)
