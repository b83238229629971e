"""Which frames of a clip a run decodes, stylizes and writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Protocol, TypeVar

from vst.errors import Interrupted, UsageError
from vst.frame import Frame
from vst.media import ClipInfo, Reader
from vst.media.decode.clip_range import ClipRange
from vst.motion import shots
from vst.motion.shot_detection import CUT_CONTEXT
from vst.pipeline.plan import RenderPlan
from vst.pipeline.session import StylizerSession
from vst.pipeline.working_frame import WorkingFrame

T = TypeVar("T")

SEARCHED = 48
"""Number of frames before a clip range that are searched for the beginning of its shot; then twice as
many, ..."""


@dataclass(frozen=True)
class RenderStart:
    """The first frame that is rendered.

    Attributes:
        first: Its index.
        time: Its time in the container.
        shot: Index of the first frame that has to be read, so that all frames are those of the whole clip.
        number: How many shots there are before, where that matters.
    """

    first: int
    time: Fraction
    shot: int
    number: int = 0


@dataclass(frozen=True)
class FrameRange:
    """What one run does with the frames of a clip.

    Attributes:
        decode_from: Index of the first frame that is decoded.
        stylize_from: Index of the first frame that is stylized.
        write_from: Index of the first frame that is written.
        shot: Index of the first frame of that frame's shot, as far as it matters to the mode.
        is_past_end: Whether a frame comes after the last one that is wanted.
        write_until: Index of the frame after the last one that is written, if it is known. Then the run
            ends without stylizing later frames.
    """

    decode_from: int = 0
    stylize_from: int = 0
    write_from: int = 0
    shot: int = 0
    is_past_end: Callable[[Frame], bool] = lambda frame: False
    write_until: int | None = None


WHOLE_CLIP = FrameRange()


def frame_range_from(
    session: StylizerSession,
    write_from: int,
    shot: int,
    restored: bool,
    is_past_end: Callable[[Frame], bool],
) -> FrameRange:
    """What a run has to do that writes from some frame on.

    Args:
        session: Stylizes.
        write_from: The first frame that this run writes.
        shot: The first frame of its shot.
        restored: The session has taken up its state before that frame.
        is_past_end: Whether a frame comes after the last one that is wanted.
    """
    if restored or not session.has_state:
        # The frames that motion refers to are decoded all the same.
        read_from = stylize_from = session.read_from(write_from)
        return FrameRange(max(read_from - CUT_CONTEXT, 0), stylize_from, write_from, shot, is_past_end)
    # Borders are decided from frames that need not be stylized.
    stylize_from = shot if session.temporal else write_from
    return FrameRange(max(shot - CUT_CONTEXT, 0), stylize_from, write_from, shot, is_past_end)


def end_of(clip_range: ClipRange, first: int, clip: ClipInfo) -> Callable[[Frame], bool]:
    """A function that says whether a frame comes after the last one of a clip range.

    Args:
        clip_range: What is wanted.
        first: Index of its first frame.
        clip: What it is part of.
    """

    def is_past_end(frame: Frame) -> bool:
        if clip_range.frames is not None and frame.index >= first + clip_range.frames:
            return True
        return clip_range.end is not None and clip_range.end.reached(frame.index, frame.time, clip)

    return is_past_end


class IsSet(Protocol):
    """An event, of threads or of processes."""

    def is_set(self) -> bool:
        """Whether it is set."""
        ...


def unless_stopped(items: Iterable[T], stop: IsSet | None) -> Iterator[T]:
    """The items, while frames are searched before the first one is stylized.

    Raises:
        Interrupted: `stop` was set.
    """
    for item in items:
        if stop is not None and stop.is_set():
            raise Interrupted("stopped before the first frame")
        yield item


def find_first(
    opened: Callable[[], AbstractContextManager[Reader]],
    clip_range: ClipRange,
    clip: ClipInfo,
    stop: threading.Event | None = None,
) -> tuple[int, Fraction]:
    """Index and time of the first frame of a clip range.

    The frames before it are counted by decoding them: the container's own count cannot be trusted.

    Raises:
        UsageError: The clip has no such frame, or the clip range ends before it.
        Interrupted: `stop` was set.
    """
    if clip_range.start is None:
        return 0, clip.start
    index, time = -1, clip.start
    with opened() as reader:
        for index, time in enumerate(unless_stopped(reader.times(), stop)):
            if not clip_range.start.reached(index, time, clip):
                continue
            if clip_range.end is not None and clip_range.end.reached(index, time, clip):
                raise UsageError(
                    f"--end {clip_range.end.text} is not after --start {clip_range.start.text}: "
                    f"{clip.path.name} has no frame between them"
                )
            return index, time
    numbers = clip.sequence.numbers if clip.sequence else range(index + 1)
    raise UsageError(
        f"--start {clip_range.start.text} is after the end of {clip.path.name}: its last frame is "
        f"{numbers[-1]}f, at {float(time - clip.start):.3f} s"
    )


def first_of_shot(
    frames: Callable[[int], AbstractContextManager[Iterable[Frame]]],
    index: int,
    find_shots: Callable[[Iterable[Frame]], Iterable[tuple[Frame, bool]]] = shots,
) -> int:
    """Index of the first frame of the shot that a frame is in, 0 for the clip's first shot.

    Cuts are decided as in a render of the whole clip. At most twice as many frames are converted as the
    shot has before this frame.

    Args:
        frames: Opens the clip's frames from an index on, at the size at which cuts are looked for.
        index: Of the frame.
        find_shots: Gives each frame with whether a shot begins at it.
    """
    last, reach = index, SEARCHED
    while last > 0:
        # A cut at t is decided by t−2 .. t+2; the first frame read always counts as one.
        low = max(last - reach, 0)
        found = None
        with frames(max(low + 1 - CUT_CONTEXT, 0)) as clip:
            for frame, begins in find_shots(clip):
                if frame.index > last:
                    break
                if begins and frame.index > low:
                    found = frame.index
        if found is not None:
            return found
        last, reach = low, 2 * reach
    return 0


def find_start(
    plan: RenderPlan, reader: Reader, session: StylizerSession, stop: threading.Event | None
) -> RenderStart:
    """The first frame of the clip range, and of its shot if its stylization or its borders begin there.

    Raises:
        UsageError: The clip has no such frame, or the clip range ends before it.
        Interrupted: `stop` was set.
    """

    @contextmanager
    def reduced(first: int) -> Iterator[Iterable[Frame]]:
        with plan.open_reader(like=reader) as again:
            again.begin_at(first)
            yield map(session.reduce, unless_stopped(again, stop))

    first, time_ = find_first(partial(plan.open_reader, like=reader), plan.clip_range, reader.info, stop)
    depends = session.temporal and not session.works_on_shots  # passes go over what of a shot is wanted
    if not first or not (depends or _may_have_borders(session, reduced, first)):
        return RenderStart(first, time_, first, _shots_before(session, reduced, first))
    known = None if session.motion is None else session.motion.first_of_shot(first)
    shot = first_of_shot(reduced, first, session.shots) if known is None else known
    return RenderStart(first, time_, shot, _shots_before(session, reduced, first))


def _shots_before(
    session: StylizerSession,
    reduced: Callable[[int], AbstractContextManager[Iterable[Frame]]],
    first: int,
) -> int:
    """How many shots there are before the one of a frame; 0 where that does not matter."""
    if not first or session.control is None or not session.control.counts_shots:
        return 0
    count = 0
    with reduced(0) as clip:
        for frame, begins in session.shots(clip):
            if frame.index > first:
                break
            count += begins and frame.index > 0
    return count


def _may_have_borders(
    session: StylizerSession,
    reduced: Callable[[int], AbstractContextManager[Iterable[Frame]]],
    first: int,
) -> bool:
    """Whether the borders of a frame depend on those before it; without looking for its shot."""
    if not session.keeps_borders:
        return False
    with reduced(first) as frames:
        frame = next(iter(frames), None)
    return isinstance(frame, WorkingFrame) and frame.look is not None and frame.look.possible
