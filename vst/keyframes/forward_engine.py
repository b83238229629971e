"""Stylizes a clip by keyframes that are propagated forwards alone: no frame waits for a later one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from vst.frame import Frame
from vst.keyframes.composed_flow import ComposedFlow, Reach
from vst.keyframes.cue import Cue
from vst.keyframes.link import Link
from vst.keyframes.operations import Field, Operations, operations_on
from vst.keyframes.propagation import enlarge, propagate
from vst.keyframes.schedule import Schedule
from vst.keyframes.stylizing import Linked, StyleSet, StylizesFrames, StylizesRegions, stylize_missing
from vst.motion import FlowPair

_BYTES, _STYLE_BYTES = 1 + 10 + 20 + 60, 12 + 48
"""Bytes a pixel: luma, flow and trust of the keyframe, the last step, and to stylize a frame; and in each
style the keyframe, itself and enlarged."""

L = TypeVar("L", bound=Linked)


class ForwardEngine:
    """Keyframes at an interval, and between them the last one, propagated.

    With an interval of 1 each frame is stylized from the one before: algorithm 2 of the thesis. A state is
    exact after any frame; to go on, the frame itself is needed for the flow to the next.

    Args:
        stylizer: Stylizes keyframes; from the one before, if it is conditioned.
        schedule: Which frames are keyframes.
        on: What works on fields; None: what suits the device that frames are on.
    """

    def __init__(
        self,
        stylizer: StylizesFrames | StylizesRegions,
        schedule: Schedule,
        *,
        on: Operations | None = None,
    ) -> None:
        self._styles, self._schedule, self._operations = StyleSet(stylizer), schedule, on
        self.clear()

    @staticmethod
    def memory(width: int, height: int, styles: int = 1) -> int:
        """Bytes that frames of this size take, in so many styles."""
        return (_BYTES + styles * _STYLE_BYTES) * width * height

    @property
    def needed_from(self) -> int | None:
        """Index of the last frame; None if a shot begins."""
        return self._index if self._keyframes else None

    def clear(self) -> None:
        """Forget the keyframe: a shot begins."""
        self._keyframes: tuple[Tensor, ...] = ()  # the last one, in each style
        self._enlarged: list[Field] = []
        self._composed: ComposedFlow | None = None
        self._restored: tuple[Tensor, ...] = ()  # what it is made from, once the device is known
        self._index = -1
        self._distance, self._duration = 0, Fraction(0)

    def snapshot(self) -> tuple[Tensor, ...]:
        """The exact state, on the CPU: empty where a shot begins."""
        if not self._keyframes:
            return ()
        numbers = (self._index, self._distance, *self._duration.as_integer_ratio())
        composed = self._restored if self._composed is None else self._composed.snapshot()
        return (*(each.cpu() for each in self._keyframes), torch.tensor(numbers), *composed)

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Take up what `snapshot` returned."""
        self.clear()
        if not state:
            return
        styles = len(self._styles)
        self._keyframes, numbers, restored = state[:styles], state[styles], state[styles + 1 :]
        self._index, self._distance, *duration = numbers.tolist()
        self._duration = Fraction(*duration)
        self._restored = restored

    def stylize(self, frames: Iterable[L]) -> Iterator[tuple[L, Tensor | None]]:
        """Stylize frames.

        Args:
            frames: Consecutive frames of a clip; after `restore` those that came out are passed over.

        Yields:
            Each frame with its stylization, 3×h×w, −1..1, None for one that is idle, before the next one
            is taken.
        """
        for item in frames:
            if item.cue is Cue.IDLE:
                self.clear()
                yield item, None
            elif not self._keyframes or item.frame.index > self._index:
                yield item, self.advance(item.frame, item.pair, item.cue)

    def advance(self, frame: Frame, pair: FlowPair | None, cue: Cue = Cue.NONE) -> Tensor:
        """Stylize the next frame.

        Args:
            frame: At working resolution.
            pair: Flow between it and the one before; None where a shot begins.
            cue: What the frame asks of the keyframes; it is not idle.

        Returns:
            3×h×w, −1..1.
        """
        on = self._operations or operations_on(frame.image.device)
        self._index = frame.index
        if self._composed is None and self._restored:
            self._composed = ComposedFlow.from_snapshot(self._restored, on)
        if pair is None or not self._keyframes or self._composed is None:
            return self._keep(on, frame, self._styles.stylize(frame))
        self._distance += 1
        reach = self._composed.extend(on.luma(frame.image), Link.of(pair, on).backward)
        if not self._enlarged:
            self._enlarged = [enlarge(on.field(each)) for each in self._keyframes]
        due = self._schedule.is_due(self._distance, self._duration, on.share(reach.trust))
        if due or cue is Cue.KEYFRAME:
            propagated = [propagate(each, reach.flow) for each in self._enlarged]
            stylized = self._styles.stylize_from(frame, propagated, reach.trust, self._schedule.steadiness)
            return self._keep(on, frame, stylized)
        return self._styles.mix_seen(frame, partial(self._propagated, on, frame, reach))

    def _propagated(
        self, on: Operations, frame: Frame, reach: Reach, number: int, stylizer: StylizesFrames
    ) -> Tensor:
        """A frame after the keyframe, in the style with a number."""
        propagated = propagate(self._enlarged[number], reach.flow)
        return on.tensor(stylize_missing(stylizer, frame, propagated, 1 - reach.usable))

    def _keep(self, on: Operations, frame: Frame, stylized: tuple[Tensor, ...]) -> Tensor:
        """The frame is the keyframe from here on; gives what it shows."""
        self._keyframes, self._composed = stylized, ComposedFlow(on.luma(frame.image))
        self._enlarged = []
        self._distance, self._duration = 0, frame.duration
        return self._styles.mix(frame, stylized)
