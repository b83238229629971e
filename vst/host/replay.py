"""Sessions that stylize from any frame whose preceding state is cached."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import torch
from torch import Tensor

from vst.borders import NONE, Borders, Look, ShotBorders, follow
from vst.frame import Frame
from vst.motion import MotionSource
from vst.pipeline.memory_estimate import explained_memory
from vst.pipeline.session import PreparedFrame, ShotState, StylizerSession
from vst.pipeline.working_frame import WorkingFrame

_LESS_MEMORY = "use smaller frames, or larger strokes with --style-scale"
"""What to do when an editor's frame does not fit into memory."""


class SourceFrame(Protocol):
    """A frame of the host's clip; what it is asked for may have to be fetched."""

    @property
    def look(self) -> Look:
        """What the frame says about borders."""
        ...

    def holds(self, borders: Borders) -> bool:
        """Whether borders are still borders in this frame."""
        ...

    def image(self, borders: Borders) -> Tensor:
        """The picture inside of borders, 3×h×w, R'G'B', nominally 0..1, at working resolution."""
        ...


@dataclass(frozen=True)
class ReplayStep:
    """A stylized frame of a shot.

    Attributes:
        stylized: The picture inside the borders, 3×h×w, 0..1, on the CPU.
        borders: That are left as they are.
        state: After the frame.
    """

    stylized: Tensor
    borders: Borders
    state: ShotState


StylizedFrame = tuple[Tensor, Borders]
"""A stylized picture, 3×h×w, 0..1, on the CPU, and the borders around it."""


@dataclass(frozen=True)
class ReplayInterval:
    """The frames that come out together: those from a keyframe to the next.

    Attributes:
        frames: By position in the shot, from the frame after the earlier keyframe on.
        last_read: Position of the last frame that was read before they came out: they depend on those up to
            there, and on no later one.
        state: After the last of the frames, which is a keyframe; None if they came out because the shot
            ends, so that no frame follows.
    """

    frames: Mapping[int, StylizedFrame]
    last_read: int
    state: ShotState | None


class ReplaySession:
    """Stylizes the frames of a shot, from any frame whose preceding state is cached.

    Args:
        session: Stylizes one frame after the other.
        device: The device of its networks.
        fingerprint: Of all that the pixels depend on except the frames: style, weights, device, precision,
            keyframe interval and flow estimator.
        waiting: Stylizes the same with look-ahead, where frames wait for the keyframe after them; None if
            every frame is a keyframe.
        interval: Frames from a keyframe to the next, at most.
    """

    def __init__(
        self,
        session: StylizerSession,
        device: torch.device,
        fingerprint: bytes,
        waiting: StylizerSession | None = None,
        interval: int = 1,
    ) -> None:
        self.fingerprint = fingerprint
        self.temporal = session.temporal
        """Whether a stylized frame depends on those before it."""
        self.keeps_borders = session.keeps_borders
        """Whether borders of one colour are left as they are."""
        self.seconds = 0.0
        """Time spent stylizing so far."""
        self.interval = interval
        """Frames from a keyframe to the next, at most."""
        self._session, self._waiting = session, waiting
        self._device = device
        self._state: ShotState | None = None

    def step(self, frame: SourceFrame, state: ShotState | None, position: int, seed: int) -> ReplayStep:
        """Stylize the next frame of a shot.

        Args:
            frame: From the host.
            state: After the previous frame; None at the start of the shot.
            position: In the shot, from 0.
            seed: For modes that draw random numbers.
        """
        borders = self._borders_at(frame, state, position)
        # Fetching it may answer other requests, so the session is not touched before.
        image = frame.image(NONE if borders is None else borders.borders)
        started = time.monotonic()
        self._take_up(state, borders)
        torch.manual_seed(seed + position)
        with explained_memory(self._device, _LESS_MEMORY):
            stylized = self._session.advance(Frame(position, Fraction(position), Fraction(1), image))
        self._state = self._session.snapshot()
        self.seconds += time.monotonic() - started
        return ReplayStep(stylized, NONE if borders is None else borders.borders, self._state)

    def stylize_interval(
        self,
        frames: Sequence[SourceFrame],
        shot_ends: bool,
        state: ShotState | None,
        position: int,
        seed: int,
        progress: Callable[[int], None],
    ) -> ReplayInterval:
        """Stylize with look-ahead, from a keyframe to the next.

        Args:
            frames: The keyframe that the state follows, and the frames after it: `interval`, or as many as
                the shot has; only the first frame where a shot begins.
            shot_ends: The shot ends after them.
            state: After that keyframe; None at the start of the shot.
            position: In the shot, of the first of them.
            seed: For modes that draw random numbers.
            progress: Called with the position of every frame that is done.
        """
        assert self._waiting is not None
        # Fetching them may answer other requests, so the session is not touched before.
        given = self._working_frames(frames, state, position)
        started = time.monotonic()
        self._state = None  # both sessions share a stylizer
        self._waiting.begin_shot()
        if state is not None:
            self._waiting.restore(state)
        torch.manual_seed(seed + position)
        found: dict[int, StylizedFrame] = {}
        reading = _Reading(given, state is None, self._waiting.motion)
        with explained_memory(self._device, _LESS_MEMORY):
            for item, stylized in self._waiting.stylized(reading):
                assert stylized is not None
                place, borders = item.frame.index, item.frame.borders
                kept = NONE if borders is None else borders.borders
                found[place] = stylized, kept
                progress(place)
                if place == reading.last and not reading.is_over:
                    break
        assert found
        assert shot_ends or not reading.is_over
        after = None if reading.is_over else self._waiting.snapshot()
        self.seconds += time.monotonic() - started
        return ReplayInterval(found, reading.last, after)

    def _working_frames(
        self, frames: Sequence[SourceFrame], state: ShotState | None, position: int
    ) -> list[WorkingFrame]:
        """Fetch the frames of an interval, up to one at which the borders change."""
        assert self._waiting is not None
        before = None if state is None else self._waiting.borders_in(state)
        found: list[WorkingFrame] = []
        for place, frame in enumerate(frames, position):
            borders = before
            if self.keeps_borders and (found or state is None):
                borders = follow(before, frame.look, frame.holds, place)
            changes = before is not None and borders is not None and before.borders != borders.borders
            image = frame.image(NONE if borders is None else borders.borders)
            found.append(
                WorkingFrame(
                    index=place,
                    time=Fraction(place),
                    duration=Fraction(1),
                    image=image,
                    source=None,
                    borders=borders,
                    starts_anew=changes,
                )
            )
            if changes:
                break
            before = borders
        return found

    def skip(self, frame: SourceFrame, state: ShotState | None, position: int) -> ShotState:
        """The state after a frame that is not stylized; for modes whose frames share only borders."""
        borders = self._borders_at(frame, state, position)
        self._take_up(state, borders)
        self._state = self._session.snapshot()
        return self._state

    def replay(
        self,
        frame_at: Callable[[int], SourceFrame],
        numbers: range,
        state: ShotState | None,
        position: int,
        seed: int,
    ) -> Iterator[tuple[int, ReplayStep | ShotState]]:
        """Stylize up to a frame, with what its stylization needs of the frames before.

        Args:
            frame_at: Gets a frame from the host.
            numbers: The frames after the one with the state; the last is stylized.
            state: After the frame before; None at the start of the shot.
            position: In the shot, of the first of them.
            seed: For modes that draw random numbers.

        Yields:
            The number of each frame, with its step, or with the state after it if it was not stylized.
        """
        for place, number in enumerate(numbers, position):
            frame = frame_at(number)
            if number < numbers[-1] and not self.temporal:
                state = self.skip(frame, state, place)
                yield number, state
                continue
            step = self.step(frame, state, place, seed)
            state = step.state
            yield number, step

    def _borders_at(self, frame: SourceFrame, state: ShotState | None, position: int) -> ShotBorders | None:
        if not self.keeps_borders:
            return None
        before = None if state is None else self._session.borders_in(state)
        return follow(before, frame.look, frame.holds, position)

    def _take_up(self, state: ShotState | None, borders: ShotBorders | None) -> None:
        if state is None:
            self._session.begin_shot()
        elif state is not self._state:
            self._session.restore(state)
        self._state = None  # a step that fails leaves no valid state
        if borders is not None:
            self._session.enter(borders)


class _Reading:
    """Frames of an interval as they are read, with the flow between them.

    Args:
        frames: The frames.
        is_new_shot: Whether a shot begins at the first of them.
        motion: Where the flow comes from.

    Attributes:
        last: Index of the last frame that was read.
        is_over: Whether another frame was asked for after that.
    """

    def __init__(
        self, frames: Sequence[WorkingFrame], is_new_shot: bool, motion: MotionSource | None
    ) -> None:
        self._frames, self._is_new_shot, self._motion = frames, is_new_shot, motion
        self.last, self.is_over = -1, False

    def __iter__(self) -> Iterator[PreparedFrame]:
        assert self._motion is not None  # there are no keyframes without
        tracker = self._motion.tracker()
        for place, frame in enumerate(self._frames):
            if frame.starts_anew:
                tracker.clear()
            self.last = frame.index
            yield PreparedFrame(frame, self._is_new_shot and place == 0, tracker.advance(frame.image))
        self.is_over = True
