"""Stylizes a frame of a shot from the nearest cached state, where the host gives every frame of the clip.

Forwards, a frame depends on the frames of its shot up to itself. With look-ahead, it waits for the keyframe
after it, and depends on the frames that were read until it came out: so it is cached by the chained hash up
to the last of these. Which that is, only reading tells; it is at most one interval later. States are cached
after keyframes alone, where the last frame that was read is the one that came out. One request fills the
caches for its whole interval.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from vst.host.engine_caches import EngineCaches
from vst.host.replay import ReplaySession, ReplayStep, StylizedFrame
from vst.host.shot_chain import ShotChain
from vst.host.source import SourceFrames
from vst.pipeline.session import ShotState

_LOOK_AHEAD = b" look-ahead"
"""Added to the key of the settings: states and frames of one kind are never taken for the other."""


@dataclass(frozen=True)
class ShotFrame:
    """A stylized frame.

    Attributes:
        key: Of the settings.
        name: Identifies it among all frames that were stylized with these settings.
        stylized: The picture and its borders.
    """

    key: bytes
    name: Hashable
    stylized: StylizedFrame


@dataclass(frozen=True)
class _State:
    """Where stylizing begins.

    Attributes:
        start: Index of the shot's first frame.
        index: Of the frame that the state follows; `start` − 1 if the shot is stylized from its beginning.
        state: None at the shot's beginning.
    """

    start: int
    index: int
    state: ShotState | None

    @property
    def first(self) -> int:
        """Index of the first frame whose stylization is known, or is found first."""
        return self.start if self.state is None else self.index


class ShotReplay:
    """Stylizes the frames of shots for one request.

    Args:
        session: Stylizes.
        source: The source frames.
        chain: Of the shot; belongs to the request's run.
        caches: Of the engine.
        key: Of the settings.
        seed: For modes that draw random numbers.
        progress: Called after every earlier frame, with the number of frames done and in all.
    """

    def __init__(
        self,
        session: ReplaySession,
        source: SourceFrames,
        chain: ShotChain,
        caches: EngineCaches,
        key: bytes,
        seed: int,
        progress: Callable[[int, int], None],
    ) -> None:
        self._session, self._source, self._chain, self._caches = session, source, chain, caches
        self._key, self._seed, self._progress = key, seed, progress

    def forwards(self, index: int, earliest: int | None) -> ShotFrame | None:
        """A frame from those before it.

        Args:
            index: Of the frame.
            earliest: Index of the earliest frame to begin with; None has no limit.

        Returns:
            None if no cached state is near enough.
        """
        key = self._key
        if not self._chain.reach(index, earliest):
            return None
        name = self._chain.hash_of(index)
        stylized = self._caches.find(key, name, index - self._chain.start_of(index))
        if stylized is not None:
            return ShotFrame(key, name, stylized)
        begin = self._nearest_state(key, index)
        if earliest is not None and begin.first < earliest:
            return None
        numbers, start = range(begin.index + 1, index + 1), begin.start
        after: ReplayStep | ShotState | None = None
        for number, after in self._session.replay(
            self._source.frame, numbers, begin.state, numbers[0] - start, self._seed
        ):
            chained_hash, position = self._chain.hash_of(number), number - start
            if not isinstance(after, ReplayStep):
                self._caches.add_state(key, chained_hash, position, after)
                continue
            self._caches.add_step(key, chained_hash, position, after)
            if number < index:
                self._progress(number - begin.index, len(numbers))
        assert isinstance(after, ReplayStep)
        return ShotFrame(key, name, (after.stylized, after.borders))

    def with_look_ahead(self, index: int, earliest: int | None) -> ShotFrame | None:
        """A frame from the keyframes before and after it; arguments as for `forwards`."""
        if not self._chain.reach(index, earliest):
            return None
        key = self._key + _LOOK_AHEAD
        begin = self._nearest_state(key, index)
        found = self._cached(key, index, begin)
        if found is not None:
            return found
        if earliest is not None and begin.first < earliest:
            return None
        first = begin.index

        def report(position: int) -> None:
            if begin.start + position < index:
                self._progress(begin.start + position - first, index - first)

        while found is None:
            numbers, shot_ends = self._interval_from(begin)
            interval = self._session.stylize_interval(
                [self._source.frame(number) for number in numbers],
                shot_ends,
                begin.state,
                numbers[0] - begin.start,
                self._seed,
                report,
            )
            name = self._name(begin.start + interval.last_read, interval.state is None)
            self._caches.stylized.put((key, name), interval.frames)
            stylized = interval.frames.get(index - begin.start)
            found = None if stylized is None else ShotFrame(key, (name, index - begin.start), stylized)
            begin = _State(begin.start, begin.start + max(interval.frames), interval.state)
            if interval.state is not None:
                self._caches.states.put((key, self._chain.hash_of(begin.index)), interval.state)
        return found

    def _nearest_state(self, key: bytes, index: int) -> _State:
        """The nearest cached state before a frame of the chain."""
        start = self._chain.start_of(index)
        for number in range(index - 1, start - 1, -1):
            state = self._caches.states.get((key, self._chain.hash_of(number)))
            if state is not None:
                return _State(start, number, state)
        return _State(start, start - 1, None)

    def _cached(self, key: bytes, index: int, begin: _State) -> ShotFrame | None:
        """A frame that came out before, whatever was the last frame that was read."""
        position = index - begin.start
        for read in range(index, self._last_read(index, begin) + 1):
            if read > index and not self._chain.continues_at(read):
                return self._at(key, self._name(read - 1, shot_ended=True), position)
            found = self._at(key, self._name(read, shot_ended=False), position)
            if found is not None:
                return found
        return None

    def _at(self, key: bytes, name: Hashable, position: int) -> ShotFrame | None:
        stylized = self._caches.find(key, name, position)
        return None if stylized is None else ShotFrame(key, (name, position), stylized)

    def _name(self, read: int, shot_ended: bool) -> Hashable:
        """Identifies the interval that came out when a frame was read, or when the shot ended after it."""
        return self._chain.hash_of(read), shot_ended

    def _last_read(self, index: int, begin: _State) -> int:
        """The last frame that is read, at most, before a frame comes out."""
        if index == begin.start:
            return index  # comes out at once
        from_state = self._last_of_interval(begin)
        # A state in between may have left the cache.
        return from_state if from_state >= index else index - 1 + self._session.interval

    def _last_of_interval(self, begin: _State) -> int:
        """The last frame, at most, of the interval that begins at a state."""
        return begin.start if begin.state is None else begin.index + self._session.interval

    def _interval_from(self, begin: _State) -> tuple[range, bool]:
        """The frames to read from a state on, and whether the shot ends after them."""
        first, last = begin.first, self._last_of_interval(begin)
        for number in range(first + 1, last + 1):
            if not self._chain.continues_at(number):
                return range(first, number), True
        return range(first, last + 1), False
