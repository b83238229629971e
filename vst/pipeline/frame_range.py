"""Where in a clip a run begins to read, to paint and to write, and where it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from vst.errors import Interrupted, UsageError
from vst.frame import Frame
from vst.media import ClipInfo, Reader
from vst.media.decode.excerpt import Excerpt
from vst.modes import Mode
from vst.modes.base import StatelessMode
from vst.motion import shots
from vst.motion.shot_detection import REACH

T = TypeVar("T")

SEARCHED = 48
"""So many frames before an excerpt are searched for the beginning of its shot; then twice as many, ..."""


@dataclass(frozen=True)
class Place:
    """The beginning of what is rendered.

    Attributes:
        first: Index of the first frame.
        time: Its time, as the container has it.
        shot: Index of the first frame that is painted, so that all are as in the whole clip.
    """

    first: int
    time: Fraction
    shot: int


@dataclass(frozen=True)
class Passage:
    """What one run does with the frames of a clip.

    Attributes:
        read: Index of the first frame that is read.
        paint: Index of the first frame that is painted.
        write: Index of the first frame that is written.
        shot: Index of the frame with which the shot of that one begins, as far as it matters to the mode.
        ends: Whether a frame comes after the last one that is wanted.
    """

    read: int = 0
    paint: int = 0
    write: int = 0
    shot: int = 0
    ends: Callable[[Frame], bool] = lambda frame: False


WHOLE = Passage()
"""All frames of a clip."""


def remembers(mode: Mode | None) -> bool:
    """Whether what is painted depends on what was painted before."""
    return mode is not None and not isinstance(mode, StatelessMode)


def passage_from(
    mode: Mode | None, write: int, shot: int, known: bool, ends: Callable[[Frame], bool]
) -> Passage:
    """What a run has to do that writes from some frame on.

    Args:
        mode: Paints.
        write: The first frame that is written by this run.
        shot: The frame with which its shot begins.
        known: The mode is told what it remembered before that frame.
        ends: Whether a frame comes after the last one that is wanted.
    """
    if known or not remembers(mode):
        # What motion looks back to is read all the same.
        back = 0 if mode is None else max(mode.distances, default=0)
        return Passage(max(write - back - REACH, 0), write, write, shot, ends)
    return Passage(max(shot - REACH, 0), shot, write, shot, ends)


def ending(excerpt: Excerpt, first: int, clip: ClipInfo) -> Callable[[Frame], bool]:
    """Whether a frame comes after an excerpt's last one.

    Args:
        excerpt: What is wanted.
        first: Index of its first frame.
        clip: What it belongs to.
    """

    def ends(frame: Frame) -> bool:
        if excerpt.frames is not None and frame.index >= first + excerpt.frames:
            return True
        return excerpt.end is not None and excerpt.end.reached(frame.index, frame.time, clip)

    return ends


def unless_stopped(items: Iterable[T], stop: threading.Event | None) -> Iterator[T]:
    """What is looked through before the first frame is painted.

    Raises:
        Interrupted: If `stop` is set meanwhile.
    """
    for item in items:
        if stop is not None and stop.is_set():
            raise Interrupted("stopped before the first frame")
        yield item


def find_first(
    opened: Callable[[], AbstractContextManager[Reader]],
    excerpt: Excerpt,
    clip: ClipInfo,
    stop: threading.Event | None = None,
) -> tuple[int, Fraction]:
    """Index and time of an excerpt's first frame.

    The frames before it are counted by decoding them: what a container says of them need not be true.

    Raises:
        UsageError: If the clip has no such frame, or the excerpt ends before it.
        Interrupted: If `stop` was set meanwhile.
    """
    if excerpt.start is None:
        return 0, clip.start
    index, time = -1, clip.start
    with opened() as reader:
        for index, time in enumerate(unless_stopped(reader.times(), stop)):
            if not excerpt.start.reached(index, time, clip):
                continue
            if excerpt.end is not None and excerpt.end.reached(index, time, clip):
                raise UsageError(
                    f"--end {excerpt.end.text} is not after --start {excerpt.start.text}: "
                    f"{clip.path.name} has no frame between them"
                )
            return index, time
    numbers = clip.sequence.numbers if clip.sequence else range(index + 1)
    raise UsageError(
        f"--start {excerpt.start.text} is behind the end of {clip.path.name}: its last frame is "
        f"{numbers[-1]}f, at {float(time - clip.start):.3f} s"
    )


def first_of_shot(frames: Callable[[int], AbstractContextManager[Iterable[Frame]]], index: int) -> int:
    """Index of the frame with which the shot of a frame begins, 0 for a clip's first shot.

    Cuts are decided as in a render of the whole clip. Only as many frames are made into pictures as lie
    between, and as many again at most.

    Args:
        frames: Gives the clip's frames from an index on, at the size at which cuts are looked for.
        index: Of a frame.
    """
    last, reach = index, SEARCHED
    while last > 0:
        # A cut at t is decided by t−2 .. t+2; the first frame read always counts as one.
        low = max(last - reach, 0)
        found = None
        with frames(max(low + 1 - REACH, 0)) as clip:
            for frame, begins in shots(clip):
                if frame.index > last:
                    break
                if begins and frame.index > low:
                    found = frame.index
        if found is not None:
            return found
        last, reach = low, 2 * reach
    return 0
