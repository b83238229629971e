"""A clip that is played in a loop: its last frame leads to its first."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from vst.frame import Frame
from vst.keyframes.compositing import fill
from vst.keyframes.memory import KeyframeMemory
from vst.keyframes.operations import Field, operations
from vst.keyframes.stylizing import StylizesFrames, stylize_from

_LEAST_SHOWN = 0.5
"""Share of the last frame that the first one has to show."""


class LoopStart:
    """The first frame of a clip, stylized by itself, which the last frame shows as well as it can.

    Direct flow relates the two, and is trusted where both look alike closely. There the last frame is the
    stylized first one, warped once, and the rest is stylized to continue that. The frames between the
    keyframe before and the last one turn from one to the other, as between any two keyframes. A clip that
    does not end where it began is left as it is.

    Args:
        frame: The first frame.
        stylized: 3×h×w, −1..1, in each style.
        last: Index of the last frame.
    """

    def __init__(self, frame: Frame, stylized: Sequence[Tensor], last: int) -> None:
        self._shape, self._last = frame.image.shape, last
        self._memory = KeyframeMemory()
        self._memory.add(stylized, frame.image)

    def begins_last_interval(self, index: int, longest: int) -> bool:
        """Whether a frame is the keyframe before the last: it has a whole interval to go.

        Args:
            index: Of the frame.
            longest: Frames from a keyframe to the next, at most.
        """
        return index == self._last - longest

    def is_last(self, frame: Frame) -> bool:
        """Whether a frame is the last one, and can be related to the first."""
        return frame.index == self._last and frame.image.shape == self._shape

    def close(
        self, stylizers: Sequence[StylizesFrames], frame: Frame, pasts: Sequence[Field], trust: Field
    ) -> list[Tensor] | None:
        """The last keyframe in each style.

        Args:
            stylizers: Stylize what the first frame does not show, one for each style.
            frame: The last frame.
            pasts: H×W×3 float32, −1..1, of each style: the keyframe before, warped to the frame.
            trust: H×W uint8, 1 where these can be trusted.

        Returns:
            3×h×w, −1..1, for each style; None where the clip does not end where it began.
        """
        on = operations(trust)
        firsts, shown = self._memory.complete(frame, pasts, 0 * trust)
        if on.share(shown) < _LEAST_SHOWN:
            return None
        closed = []
        for stylizer, first, past in zip(stylizers, firsts, pasts, strict=True):
            around = on.where(shown > 0, first, past)
            stylized = on.field(stylize_from(stylizer, frame, around, trust | shown))
            closed.append(on.tensor(fill(around, stylized, 1 - shown).clip(-1, 1)))
        return closed
