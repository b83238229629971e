"""Stylizes a clip by keyframes that are carried forwards alone: no frame waits for a later one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TypeVar

import torch
from torch import Tensor

from vst.frame import Frame
from vst.keyframes.carrying import carry, enlarge
from vst.keyframes.composed_flow import ComposedFlow
from vst.keyframes.link import Step, infilled
from vst.keyframes.schedule import Schedule
from vst.keyframes.stylizing import Linked, StylizesFrames, stylize_from, stylize_missing
from vst.motion import FlowPair
from vst.motion.fields import Array, luma_of, to_array, to_tensor

_BYTES = 12 + 48 + 1 + 10 + 20 + 60
"""Bytes a pixel: the keyframe, itself and enlarged, its luma, flow and trust, the last step, and to
stylize a frame."""

L = TypeVar("L", bound=Linked)


class ForwardEngine:
    """Keyframes at an interval, and between them the last one, carried.

    With an interval of 1 each frame is stylized from the one before: algorithm 2 of the thesis. A state is
    exact after any frame; to go on, the frame itself is needed for the flow to the next.

    Args:
        stylizer: Stylizes keyframes; from the one before, if it is conditioned.
        schedule: Which frames are keyframes.
    """

    def __init__(self, stylizer: StylizesFrames, schedule: Schedule) -> None:
        self._stylizer, self._schedule = stylizer, schedule
        self.clear()

    @staticmethod
    def memory(width: int, height: int) -> int:
        """Bytes that frames of this size take."""
        return _BYTES * width * height

    @property
    def needed_from(self) -> int | None:
        """Index of the last frame; None if a shot begins."""
        return None if self._keyframe is None else self._index

    def clear(self) -> None:
        """Forget the keyframe: a shot begins."""
        self._keyframe: Tensor | None = None
        self._enlarged: Array | None = None
        self._composed: ComposedFlow | None = None
        self._index = -1
        self._distance, self._duration = 0, Fraction(0)

    def snapshot(self) -> tuple[Tensor, ...]:
        """The exact state: empty where a shot begins."""
        if self._keyframe is None or self._composed is None:
            return ()
        numbers = (self._index, self._distance, *self._duration.as_integer_ratio())
        return self._keyframe, torch.tensor(numbers), *self._composed.snapshot()

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Take up what `snapshot` returned."""
        self.clear()
        if not state:
            return
        self._keyframe, numbers, *composed = state
        self._index, self._distance, *duration = numbers.tolist()
        self._duration = Fraction(*duration)
        self._composed = ComposedFlow.from_snapshot(tuple(composed))

    def stylize(self, frames: Iterable[L]) -> Iterator[tuple[L, Tensor]]:
        """Stylize frames.

        Args:
            frames: Consecutive frames of a clip; after `restore` those that came out are passed over.

        Yields:
            Each frame with its stylization, 3×h×w, −1..1, before the next one is taken.
        """
        for item in frames:
            if self._keyframe is None or item.frame.index > self._index:
                yield item, self.advance(item.frame, item.pair)

    def advance(self, frame: Frame, pair: FlowPair | None) -> Tensor:
        """Stylize the next frame.

        Args:
            frame: At working resolution.
            pair: Flow between it and the one before; None where a shot begins.

        Returns:
            3×h×w, −1..1.
        """
        self._index = frame.index
        if pair is None or self._keyframe is None or self._composed is None:
            return self._keep(frame, self._stylizer.stylize(frame, None))
        self._distance += 1
        reach = self._composed.extend(luma_of(frame.image), Step.of(*infilled(pair)))
        if self._enlarged is None:
            self._enlarged = enlarge(to_array(self._keyframe))
        carried = carry(self._enlarged, reach.flow)
        if self._schedule.is_due(self._distance, self._duration, float(reach.trust.mean())):
            return self._keep(frame, stylize_from(self._stylizer, frame, carried, reach.trust))
        return to_tensor(stylize_missing(self._stylizer, frame, carried, 1 - reach.usable))

    def _keep(self, frame: Frame, stylized: Tensor) -> Tensor:
        """The frame is the keyframe from here on."""
        self._keyframe, self._composed = stylized, ComposedFlow(luma_of(frame.image))
        self._enlarged = None
        self._distance, self._duration = 0, frame.duration
        return stylized
