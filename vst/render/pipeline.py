"""Frames through the stages: decode -> motion -> paint -> encode, in order, each in its own thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

from torch import Tensor

from vst.errors import Interrupted
from vst.frame import Frame
from vst.look import Look, at_frame_size
from vst.modes import Mode
from vst.motion import Estimator, Tracked, shots, track
from vst.motion.recorded import RecordedMotion
from vst.render.scale import resize_frame
from vst.render.stages import Background, Clock, Sink

DEPTH = 3
"""Frames that wait between two stages: enough to even out, few enough for 4K."""


@dataclass(frozen=True)
class Progress:
    """How far a render is.

    Attributes:
        frame: Frames painted so far.
        frames: Frames in all, as far as the container says.
        fps: Frames a second in this run.
        eta: Seconds left, None while unknown.
        stage: The stage that limits: decode, motion, paint or encode.
    """

    frame: int
    frames: int | None
    fps: float
    eta: float | None
    stage: str


def progress_now(count: int, total: int | None, began: float, clock: Clock) -> Progress:
    """How far it is after `count` frames, having begun at `began` of `time.monotonic`."""
    fps = count / max(time.monotonic() - began, 1e-6)
    eta = max(total - count, 0) / fps if total else None
    return Progress(count, total, fps, eta, clock.limiting())


@dataclass(frozen=True)
class Counts:
    """What went through.

    Attributes:
        frames: Number of frames written.
        shots: Number of shots found.
    """

    frames: int
    shots: int


def paint(
    frames: Iterable[Frame],
    mode: Mode | None,
    estimator: Estimator | RecordedMotion | None,
    look: Look,
    *,
    working: tuple[int, int] | None = None,
    write: Callable[[Frame], None],
    cut: Callable[[], None],
    total: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Counts:
    """Paint a clip.

    Args:
        frames: The clip.
        mode: Paints; None leaves every frame as it is (strength 0).
        estimator: Gives the motion that the mode wants, or has it recorded; None where it wants none.
        look: Finishes each frame.
        working: Width and height at which motion is estimated and the mode paints, `working_size`; None is
            the frames' own.
        write: Takes finished frames, in order, in a thread of its own.
        cut: Called in that thread before the first frame of every shot but the first.
        total: Number of frames, if known.
        progress: Told after every frame.
        stop: When set, the frame under way is finished and `Interrupted` raised.

    Raises:
        Interrupted: when `stop` was set.
    """
    clock = Clock()
    began = time.monotonic()
    count = shot_count = 0
    # Frames as they are to be written, while the stages before painting look at them at working resolution:
    # as many as those stages look ahead. Each stage passes frames on in order, one for one.
    whole: deque[Frame] = deque()

    def reduced() -> Iterator[Frame]:
        for frame in decoded:
            whole.append(frame)
            yield frame if working is None else resize_frame(frame, *working)

    def consume(item: tuple[Frame, bool]) -> None:
        if item[1]:
            cut()
        write(item[0])

    with ExitStack() as stack:
        decoded = stack.enter_context(Background(frames, DEPTH, "decode", clock))
        tracked = stack.enter_context(
            Background(_motion(reduced(), mode, estimator), 1, "motion", clock).after(decoded)
        )
        sink = stack.enter_context(Sink(consume, DEPTH, "encode", clock))
        for item in tracked:
            if stop is not None and stop.is_set():
                raise Interrupted(f"stopped after {count} frames; no output was written")
            started = time.monotonic()
            finished = whole.popleft()
            painted = _step(mode, item)
            if painted is not None:
                painted = at_frame_size(painted, item.frame.image, finished.image)
                finished = replace(finished, image=look(painted, finished.image))
            clock.add("paint", time.monotonic() - started)
            sink.put((finished, item.new_shot and count > 0))
            count += 1
            shot_count += item.new_shot
            if progress is not None:
                progress(progress_now(count, total, began, clock))
        sink.finish()
    return Counts(count, shot_count)


def _motion(
    frames: Iterable[Frame], mode: Mode | None, estimator: Estimator | RecordedMotion | None
) -> Iterator[Tracked]:
    if mode is None or estimator is None or not mode.distances:
        return (Tracked(frame, new_shot, {}) for frame, new_shot in shots(frames))
    if isinstance(estimator, RecordedMotion):
        return estimator.track(frames, mode.distances)
    return track(shots(frames), estimator, mode.distances)


def _step(mode: Mode | None, item: Tracked) -> Tensor | None:
    if mode is None:
        return None
    if item.new_shot:
        mode.reset()
    return mode.step(item.frame, item.motions)
