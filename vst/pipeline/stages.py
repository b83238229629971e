"""Frames through the stages: decode -> motion -> paint -> encode, in order, each in its own thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from torch import Tensor

from vst.errors import Interrupted
from vst.frame import Frame
from vst.media.segments.encoder import MAX_FRAMES
from vst.media.segments.work_folder import Save
from vst.modes import Mode
from vst.modes.base import StatelessMode
from vst.motion import Estimator, Tracked, shots, track
from vst.motion.files.recorded import RecordedMotion
from vst.pipeline.frame_range import WHOLE, Passage
from vst.pipeline.frame_size import resize_frame
from vst.pipeline.snapshot_file import save_state
from vst.pipeline.threads import Background, Clock, Sink
from vst.postprocess import Look, at_frame_size
from vst.progress import PREROLL, Progress, progress_now

DEPTH = 3
"""Frames that wait between two stages: enough to even out, few enough for 4K."""

Cut = Callable[[int, Save | None], None]
"""Ends a segment. Takes the index of the frame with which the shot of the next one begins, and what writes
the mode's state after the segment, or None where the next one needs none."""


@dataclass(frozen=True)
class Counts:
    """What went through.

    Attributes:
        frames: Number of frames written.
        shots: Indices of those with which a shot begins.
    """

    frames: int
    shots: tuple[int, ...]


def paint(
    frames: Iterable[Frame],
    mode: Mode | None,
    estimator: Estimator | RecordedMotion | None,
    look: Look,
    *,
    working: tuple[int, int] | None = None,
    write: Callable[[Frame], None],
    cut: Cut,
    passage: Passage = WHOLE,
    segment_frames: int = MAX_FRAMES,
    total: int | None = None,
    done: int = 0,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Counts:
    """Paint a clip.

    Args:
        frames: The clip, from the first frame that `passage` reads on; also some after its last one, which
            tell whether that begins a shot.
        mode: Paints, and remembers what `passage` takes for known; None leaves every frame as it is
            (strength 0).
        estimator: Gives the motion that the mode wants, or has it recorded; None where it wants none.
        look: Finishes each frame.
        working: Width and height at which motion is estimated and the mode paints, `working_size`; None is
            the frames' own.
        write: Takes finished frames, in order, in a thread of its own.
        cut: Called in that thread at the end of every segment but the last: of every shot, and in the midst
            of long ones.
        passage: Which frames are painted and written.
        segment_frames: The longest segment.
        total: Number of frames in all, if known.
        done: How many an earlier run has written.
        progress: Told after every frame.
        stop: When set, the frame under way is finished and `Interrupted` raised.

    Raises:
        Interrupted: when `stop` was set.
    """
    clock = Clock()
    began = time.monotonic()
    count = in_segment = 0
    shot, found = passage.shot, []
    # Frames as they are to be written, while the stages before painting look at them at working resolution:
    # as many as those stages look ahead. Each stage passes frames on in order, one for one.
    whole: deque[Frame] = deque()

    def reduced() -> Iterator[Frame]:
        for frame in decoded:
            whole.append(frame)
            yield frame if working is None else resize_frame(frame, *working)

    with ExitStack() as stack:
        decoded = stack.enter_context(Background(frames, DEPTH, "decode", clock))
        tracked = stack.enter_context(
            Background(_motion(reduced(), mode, estimator), 1, "motion", clock).after(decoded)
        )
        sink = stack.enter_context(Sink(_run, DEPTH, "encode", clock))
        for item in tracked:
            if stop is not None and stop.is_set():
                sink.finish()  # a segment may just have ended
                raise Interrupted(f"stopped after {done + count} frames")
            started = time.monotonic()
            finished = whole.popleft()
            index = item.frame.index
            if passage.ends(item.frame):
                break
            if index < passage.write:
                if index >= passage.paint:
                    _step(mode, item)
                    if progress is not None:
                        progress(Progress(done, total, 0.0, None, PREROLL))
                began = time.monotonic()
                continue
            if item.new_shot:
                shot, in_segment = index, 0
                found.append(index)
                sink.put(partial(cut, shot, None))
            painted = _step(mode, item)
            if painted is not None:
                painted = at_frame_size(painted, item.frame.image, finished.image)
                finished = replace(finished, image=look(painted, finished.image))
            clock.add("paint", time.monotonic() - started)
            sink.put(partial(write, finished))
            count += 1
            in_segment += 1
            if in_segment == segment_frames:
                in_segment = 0
                sink.put(partial(cut, shot, _saving(mode)))
            if progress is not None:
                progress(progress_now(count, total, began, clock.limiting(), done))
        sink.finish()
    return Counts(count, tuple(found))


def _run(work: Callable[[], object]) -> None:
    work()


def _saving(mode: Mode | None) -> Save | None:
    """Writes what the mode remembers now, whatever it paints until then."""
    if mode is None or isinstance(mode, StatelessMode):
        return None
    return partial(save_state, state=mode.snapshot())


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
