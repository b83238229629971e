"""Stylizes a clip by keyframes that are propagated both ways: frames wait for the one after them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from vst.frame import Frame
from vst.keyframe_interval import MAX_INTERVAL
from vst.keyframes.composed_flow import ComposedFlow, Reach
from vst.keyframes.compositing import composite, not_shown
from vst.keyframes.cue import Cue
from vst.keyframes.link import Link
from vst.keyframes.loop import LoopStart
from vst.keyframes.memory import KeyframeMemory
from vst.keyframes.operations import Field, Operations, operations, operations_on
from vst.keyframes.propagation import enlarge, propagate
from vst.keyframes.schedule import Schedule
from vst.keyframes.stylizing import Linked, StyleSet, StylizesFrames, StylizesRegions, stylize_missing
from vst.keyframes.transition import transition

_FRAME_BYTES = 12 + 16 + 1 + 20 + 2 * 14 + 4
"""Bytes a pixel of each frame of an interval: the frame, flow both ways, luma, how it relates to the frame
before and to both keyframes, and how long the earlier one is trusted."""

_KEYFRAME_BYTES = 2 * (12 + 48)
"""Bytes a pixel for the two keyframes of a style, themselves and enlarged."""

_COMPOSITE_BYTES = 60
"""Bytes a pixel to composite a frame."""


L = TypeVar("L", bound=Linked)


class KeyframeEngine:
    """The keyframes of a clip, and what is between them, one shot after the other.

    The first and the last frame of a shot are keyframes; `Schedule` says which others. A frame comes out
    when the keyframe after it is stylized. State is the last keyframe, and which frame came out last: a
    run that takes it up gives the same frames after that one. Several styles have keyframes of their own,
    at the same frames; motion is followed once for all.

    Args:
        stylizer: Stylizes keyframes; from the one before, if it is conditioned.
        schedule: Which frames are keyframes.
        on: What works on fields; None: what suits the device that frames are on.

    Attributes:
        loop: What the last keyframe leads to; None: nothing.
    """

    def __init__(
        self,
        stylizer: StylizesFrames | StylizesRegions,
        schedule: Schedule,
        *,
        on: Operations | None = None,
    ) -> None:
        self._styles, self._schedule, self._operations = StyleSet(stylizer), schedule, on
        self.loop: LoopStart | None = None
        self._memory = KeyframeMemory()
        self._keyframes: tuple[Tensor, ...] = ()  # the last one, in each style; none where a shot begins
        self._enlarged: list[Field] = []  # that, for `propagate`; made when it is needed
        self._index = -1
        self._given = -1  # index of the last frame that came out

    def lead_to(self, first: Frame, last: int) -> None:
        """Let the last keyframe lead to the first frame of the clip.

        Args:
            first: The first frame.
            last: Index of the last one.
        """
        self.loop = LoopStart(first, self._styles.stylize(first), last)

    @staticmethod
    def memory(width: int, height: int, frames: int = MAX_INTERVAL, styles: int = 1) -> int:
        """Bytes that an interval of frames of this size takes, in so many styles."""
        keyframes = _KEYFRAME_BYTES * styles + _COMPOSITE_BYTES
        interval = (_FRAME_BYTES * frames + keyframes) * width * height
        return interval + KeyframeMemory.memory(width, height, styles)

    @property
    def needed_from(self) -> int | None:
        """Index of the keyframe that the next frames are propagated from; None if a shot begins."""
        return self._index if self._keyframes else None

    def clear(self) -> None:
        """Forget the keyframe: a shot begins."""
        self._keyframes, self._enlarged, self._index, self._given = (), [], -1, -1
        self._memory.clear()

    def snapshot(self) -> tuple[Tensor, ...]:
        """The exact state, on the CPU: empty where a shot begins."""
        if not self._keyframes:
            return ()
        numbers = torch.tensor((self._index, self._given))
        return (*(each.cpu() for each in self._keyframes), numbers, *self._memory.snapshot())

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Take up what `snapshot` returned. The next frame to come is that keyframe, or one before it."""
        self.clear()
        if state:
            styles = len(self._styles)
            self._keyframes, numbers, kept = state[:styles], state[styles], state[styles + 1 :]
            self._index, self._given = numbers.tolist()
            self._memory.restore(kept, styles)

    def stylize(self, frames: Iterable[L]) -> Iterator[tuple[L, Tensor | None]]:
        """Stylize frames.

        Args:
            frames: Consecutive frames of a clip; after `restore` from the keyframe on, or from before it.

        Yields:
            Each frame with its stylization, 3×h×w, −1..1, None for one that is idle; after `restore` those
            that had not come out.
        """
        interval: _Interval[L] | None = None
        for item in frames:
            if self._keyframes and interval is None:
                if item.frame.index < self._index:
                    continue
                if item.frame.index == self._index:
                    interval = self._interval(item)
                    continue
            if item.cue is Cue.IDLE:
                if interval is not None:
                    yield from self._finish(interval)
                    interval = None
                self.clear()
                yield item, None
                continue
            if item.pair is None or interval is None:
                if interval is not None:
                    yield from self._finish(interval)
                yield item, self._begin(item)
                interval = self._interval(item)
                continue
            interval.add(item)
            due = self._schedule.is_due(interval.length, interval.duration, interval.trusted)
            if due or item.cue is Cue.KEYFRAME or self._begins_last_interval(item.frame):
                yield from self._finish(interval)
                interval = self._interval(item)
        if interval is not None:
            yield from self._finish(interval)

    def _begins_last_interval(self, frame: Frame) -> bool:
        if self.loop is None:
            return False
        return self.loop.begins_last_interval(frame.index, self._schedule.longest(frame.duration))

    def _interval(self, keyframe: L) -> _Interval[L]:
        return _Interval(keyframe, self._operations or operations_on(keyframe.frame.image.device))

    def _begin(self, item: L) -> Tensor:
        """Stylize the first frame of a shot."""
        self.clear()
        self._keyframes = self._styles.stylize(item.frame)
        self._index = self._given = item.frame.index
        return self._styles.mix(item.frame, self._keyframes)

    def _finish(self, interval: _Interval[L]) -> Iterator[tuple[L, Tensor]]:
        """Stylize the last frame of an interval as keyframe, and give all of its frames."""
        if not interval.length or interval.items[-1].frame.index <= self._given:
            return
        on, last = interval.on, interval.items[-1]
        earlier = self._enlarged or [enlarge(on.field(each)) for each in self._keyframes]
        keyframes = self._next(last.frame, earlier, interval.reaches[-1])
        later = [enlarge(on.field(each)) for each in keyframes]
        before, after = interval.reaches[:-1], interval.to_later()
        parts = transition(before, after, interval.links)
        for item, a, b, part in zip(interval.items[:-1], before, after, parts, strict=True):
            if item.frame.index <= self._given:
                continue
            self._given = item.frame.index
            between = _Between(item.frame, a, b, part, earlier, later)
            yield item, self._styles.mix_seen(item.frame, between.stylized)
        if self._styles.conditioned:
            self._memory.add(self._keyframes, interval.first.frame.image)
        self._keyframes, self._enlarged = keyframes, later
        self._index = self._given = last.frame.index
        yield last, self._styles.mix(last.frame, keyframes)

    def _next(self, frame: Frame, earlier: Sequence[Field], reach: Reach) -> tuple[Tensor, ...]:
        """Stylize the next keyframe: from the one before and older ones, if the stylizer is conditioned."""
        styles = self._styles
        if self.loop is not None and self.loop.is_last(frame):
            propagated = [propagate(each, reach.flow) for each in earlier]
            closed = self.loop.close(styles.stylizers, frame, propagated, reach.trust)
            if closed is not None:
                return tuple(closed)
        if not styles.conditioned:
            return styles.stylize(frame)
        propagated = [propagate(each, reach.flow) for each in earlier]
        pasts, trust = self._memory.complete(frame, propagated, reach.trust)
        return styles.stylize_from(frame, pasts, trust, self._schedule.steadiness)


@dataclass(frozen=True)
class _Between:
    """A frame between two keyframes.

    Attributes:
        frame: At working resolution.
        to_earlier: How it relates to the keyframe before.
        to_later: How it relates to the keyframe after.
        part: Of the later keyframe, H×W.
        earlier: The keyframe before in each style, from `enlarge`.
        later: The keyframe after, likewise.
    """

    frame: Frame
    to_earlier: Reach
    to_later: Reach
    part: Field
    earlier: Sequence[Field]
    later: Sequence[Field]

    def stylized(self, number: int, stylizer: StylizesFrames) -> Tensor:
        """The frame in the style with a number: 3×H×W, −1..1."""
        keyframes = self.earlier[number], self.later[number]
        composed = composite(*keyframes, self.to_earlier, self.to_later, self.part)
        hole = not_shown(self.to_earlier, self.to_later)
        return operations(composed).tensor(stylize_missing(stylizer, self.frame, composed, hole))


class _Interval(Generic[L]):
    """The frames after a keyframe, up to the next one.

    Args:
        first: The keyframe that they follow.
        on: What works on their fields.
    """

    def __init__(self, first: L, on: Operations) -> None:
        self.first, self.on = first, on
        self.items: list[L] = []
        self.links: list[Link] = []
        self.reaches: list[Reach] = []
        self.duration = first.frame.duration
        self._luma = [on.luma(first.frame.image)]
        self._composed = ComposedFlow(self._luma[0])

    @property
    def length(self) -> int:
        """How many frames there are."""
        return len(self.items)

    @property
    def trusted(self) -> float:
        """Share of the last frame for which flow to the keyframe is trusted."""
        return self.on.share(self.reaches[-1].trust)

    def add(self, item: L) -> None:
        """The next frame."""
        assert item.pair is not None  # only the first frame of a shot has none
        luma = self.on.luma(item.frame.image)
        self.items.append(item.without_pair())
        self._luma.append(luma)
        link = Link.of(item.pair, self.on)
        self.links.append(link)
        self.reaches.append(self._composed.extend(luma, link.backward))

    def to_later(self) -> list[Reach]:
        """How each frame but the last relates to the last, which is the next keyframe; in order."""
        composed = ComposedFlow(self._luma[-1])
        found = []
        for place in range(self.length - 1, 0, -1):
            found.append(composed.extend(self._luma[place], self.links[place].forward))
        return found[::-1]
