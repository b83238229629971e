"""Long-term memory: earlier keyframes show again what was hidden for longer than an interval.

Direct flow relates a keyframe to older ones, and is trusted where it is consistent and both look alike
closely: over such distances flow that is wrong in both directions is common (Ruder 2016, section 3.3, for
the loss; here for what the network is conditioned on).
"""

from __future__ import annotations

from collections import deque

from torch import Tensor

from vst.frame import Frame
from vst.keyframes.carrying import carry, enlarge
from vst.keyframes.direct_flow import direct_flow
from vst.keyframes.operations import Field, operations
from vst.motion.estimator import to_bytes

KEPT = 4
"""Keyframes before the last one: with the longest interval some 80 frames."""

_SMALLEST_SHARE = 0.002
"""Share of a frame above which untrusted pixels are looked for in older keyframes."""


class KeyframeMemory:
    """The keyframes of a shot before the last one, newest first.

    Flow to them is estimated on the CPU, wherever frames are. Of those on a GPU two lumas are copied there,
    and flow back, for each keyframe that shows something new.
    """

    def __init__(self) -> None:
        self._kept: deque[tuple[Tensor, Tensor]] = deque(maxlen=KEPT)

    @staticmethod
    def memory(width: int, height: int) -> int:
        """Bytes that the keyframes take, of this size."""
        return (6 + 3) * KEPT * width * height

    def clear(self) -> None:
        """Forget all: a shot begins."""
        self._kept.clear()

    def snapshot(self) -> tuple[Tensor, ...]:
        """The exact state, as tensors on the CPU that are not changed afterwards."""
        return tuple(part.cpu() for pair in self._kept for part in pair)

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Take up what `snapshot` returned."""
        self._kept = deque(zip(state[::2], state[1::2], strict=True), maxlen=KEPT)

    def add(self, stylized: Tensor, image: Tensor) -> None:
        """Keep a keyframe that a later one follows.

        Args:
            stylized: 3×h×w, −1..1; kept in fp16.
            image: 3×h×w, 0..1, the frame itself.
        """
        self._kept.appendleft((stylized.half(), to_bytes(image)))

    def complete(self, frame: Frame, past: Field, trust: Field) -> tuple[Field, Field]:
        """Add what older keyframes show to a past.

        Args:
            frame: The next keyframe.
            past: H×W×3 float32, −1..1, the last keyframe, warped to it.
            trust: H×W uint8, 1 where that can be trusted.

        Returns:
            Past and trust with more of the frame.
        """
        on = operations(past)
        for stylized, image in self._kept:
            hole = trust == 0
            if on.share(hole) <= _SMALLEST_SHARE:
                break
            flow, shown = direct_flow(frame.image, image, on)
            found = hole & shown
            if found.any():
                past = on.where(found, carry(enlarge(on.field(stylized)), flow), past)
                trust = trust | on.bytes(found)
        return past, trust
