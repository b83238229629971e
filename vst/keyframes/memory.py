"""Long-term memory: earlier keyframes show again what was hidden for longer than an interval.

Direct flow relates a keyframe to older ones, and is trusted where it is consistent and both look alike
closely: over such distances flow that is wrong in both directions is common (Ruder 2016, section 3.3, for
the loss; here for what the network is conditioned on).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from torch import Tensor

from vst.frame import Frame
from vst.keyframes.direct_flow import direct_flow
from vst.keyframes.operations import Field, operations
from vst.keyframes.propagation import enlarge, propagate
from vst.motion.estimator import to_bytes

KEPT = 4
"""Keyframes before the last one: with the longest interval some 80 frames."""

_SMALLEST_SHARE = 0.002
"""Share of a frame above which untrusted pixels are looked for in older keyframes."""


class KeyframeMemory:
    """The keyframes of a shot before the last one, newest first, each in one style or in several.

    Flow to them is estimated on the CPU, wherever frames are. Of those on a GPU two lumas are copied there,
    and flow back, for each keyframe that shows something new.
    """

    def __init__(self) -> None:
        self._kept: deque[tuple[Tensor, tuple[Tensor, ...]]] = deque(maxlen=KEPT)

    @staticmethod
    def memory(width: int, height: int, styles: int = 1) -> int:
        """Bytes that the keyframes take, of this size, in so many styles."""
        return (6 * styles + 3) * KEPT * width * height

    def clear(self) -> None:
        """Forget all: a shot begins."""
        self._kept.clear()

    def snapshot(self) -> tuple[Tensor, ...]:
        """The exact state, as tensors on the CPU that are not changed afterwards."""
        return tuple(part.cpu() for image, styles in self._kept for part in (*styles, image))

    def restore(self, state: tuple[Tensor, ...], styles: int = 1) -> None:
        """Take up what `snapshot` returned, of keyframes in so many styles."""
        self._kept.clear()
        for place in range(0, len(state), styles + 1):
            *stylized, image = state[place : place + styles + 1]
            self._kept.append((image, tuple(stylized)))

    def add(self, stylized: Sequence[Tensor], image: Tensor) -> None:
        """Keep a keyframe that a later one follows.

        Args:
            stylized: 3×h×w, −1..1, in each style; kept in fp16.
            image: 3×h×w, 0..1, the frame itself.
        """
        self._kept.appendleft((to_bytes(image), tuple(each.half() for each in stylized)))

    def complete(self, frame: Frame, pasts: Sequence[Field], trust: Field) -> tuple[list[Field], Field]:
        """Add what older keyframes show to the pasts of all styles.

        Args:
            frame: The next keyframe.
            pasts: H×W×3 float32, −1..1, the last keyframe in each style, warped to it.
            trust: H×W uint8, 1 where these can be trusted.

        Returns:
            Pasts and trust with more of the frame.
        """
        on, found_pasts = operations(trust), list(pasts)
        for image, styles in self._kept:
            hole = trust == 0
            if on.share(hole) <= _SMALLEST_SHARE:
                break
            flow, shown = direct_flow(frame.image, image, on)
            found = hole & shown
            if found.any():
                found_pasts = [
                    on.where(found, propagate(enlarge(on.field(stylized)), flow), past)
                    for past, stylized in zip(found_pasts, styles, strict=True)
                ]
                trust = trust | on.bytes(found)
        return found_pasts, trust
