"""Frames through the stages: decode -> motion -> stylize -> encode, in order, each in its own thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from torch import Tensor

from vst.errors import Interrupted
from vst.frame import Frame
from vst.media import DecodedFrame
from vst.media.segments.encoder import MAX_SEGMENT_FRAMES
from vst.media.segments.work_folder import Save
from vst.pipeline.frame_range import WHOLE_CLIP, FrameRange
from vst.pipeline.prepared_frame import PreparedFrame
from vst.pipeline.session import StylizerSession
from vst.pipeline.snapshot_file import save_snapshot
from vst.pipeline.threads import Background, Clock, Sink
from vst.pipeline.working_frame import WorkingFrame
from vst.progress import PREROLL, Progress, progress_now

T = TypeVar("T")

DEPTH = 3
"""Frames that wait between two stages: enough to even out, few enough for 4K."""

Cut = Callable[[int, Save | None], None]
"""Ends a segment. Takes the index of the first frame of the next segment's shot, and what writes the
session's state at the end of the segment, or None if the next segment needs none."""


@dataclass(frozen=True)
class Counts:
    """What went through.

    Attributes:
        frames: Number of frames written.
        shots: Indices of the frames at which a shot begins.
    """

    frames: int
    shots: tuple[int, ...]


@dataclass
class StageRunner:
    """Runs the stages for one stretch of a clip.

    Attributes:
        session: Stylizes.
        write: Takes finished frames, in order, in a thread of its own.
        cut: Called in that thread at the end of every segment but the last: at the end of every shot, and
            within long ones.
        frame_range: Which frames are stylized and written.
        segment_frames: The longest segment.
        total: Number of frames in all, if known.
        done: Number of frames that an earlier run wrote.
        progress: Called after every frame.
        stop: When set, the frame in progress is finished and `Interrupted` raised.
        check: Called with every frame that was decoded, in the thread of decoding.
    """

    session: StylizerSession
    write: Callable[[Frame], None]
    cut: Cut
    frame_range: FrameRange = WHOLE_CLIP
    segment_frames: int = MAX_SEGMENT_FRAMES
    total: int | None = None
    done: int = 0
    progress: Callable[[Progress], None] | None = None
    stop: threading.Event | None = None
    check: Callable[[WorkingFrame], None] | None = None
    _count: int = field(default=0, init=False)
    _in_segment: int = field(default=0, init=False)

    def run(self, frames: Iterable[Frame | DecodedFrame]) -> Counts:
        """Stylize and write.

        Args:
            frames: The clip, from `frame_range.decode_from` on; also some frames after the
                last one wanted, which tell whether that begins a shot.

        Raises:
            Interrupted: `stop` was set.
        """
        clock = Clock()
        began = time.monotonic()
        shot, found = self.frame_range.shot, []
        with ExitStack() as stack:
            reduced = stack.enter_context(Background(map(self._reduced, frames), DEPTH, "decode", clock))
            prepared = stack.enter_context(
                Background(self.session.prepare(reduced), 1, "motion", clock).after(reduced)
            )
            sink = stack.enter_context(Sink(_run, DEPTH, "encode", clock))
            for item, stylized in _timed(self._stylized(prepared, sink), prepared, clock):
                if self.stop is not None and self.stop.is_set():
                    if self.session.is_unfinished and self.total == 1:  # a picture is kept as it is
                        self._one(item, stylized, shot, sink, clock)
                    sink.finish()  # a segment may just have ended
                    raise Interrupted(f"stopped after {self.done + self._count} frames")
                if self.frame_range.is_past_end(item.frame):
                    break
                if item.frame.index < self.frame_range.write_from:
                    self._preroll()
                    began = time.monotonic()
                    continue
                if item.new_shot:
                    shot, self._in_segment = item.frame.index, 0
                    found.append(shot)
                    sink.put(partial(self.cut, shot, None))
                self._one(item, stylized, shot, sink, clock)
                if self.progress is not None:
                    self.progress(progress_now(self._count, self.total, began, clock.limiting(), self.done))
                if item.frame.index + 1 == self.frame_range.write_until:
                    break
            sink.finish()
        return Counts(self._count, tuple(found))

    def _reduced(self, given: Frame | DecodedFrame) -> WorkingFrame:
        frame = self.session.reduce(given)
        if self.check is not None:
            self.check(frame)
        return frame

    def _stylized(
        self, prepared: Background[PreparedFrame], sink: Sink
    ) -> Iterator[tuple[PreparedFrame, Tensor | None]]:
        try:
            yield from self.session.stylized(self._needed(prepared))
        except Interrupted:  # within a shot
            sink.finish()
            raise

    def _needed(self, prepared: Iterable[PreparedFrame]) -> Iterator[PreparedFrame]:
        """The frames that are stylized; those before were decoded to find shots and motion."""
        for item in prepared:
            # Where passes go over a shot, they go over what of it is wanted.
            if self.session.works_on_shots and self.frame_range.is_past_end(item.frame):
                return
            if item.frame.index >= self.frame_range.stylize_from:
                yield item

    def _preroll(self) -> None:
        """A frame that is stylized only because later ones depend on it."""
        if self.progress is not None:
            self.progress(Progress(self.done, self.total, 0.0, None, PREROLL))

    def _one(
        self, item: PreparedFrame, stylized: Tensor | None, shot: int, sink: Sink, clock: Clock
    ) -> None:
        """A frame that is written."""
        started = time.monotonic()
        finished = self.session.finish(item, stylized)
        clock.add("stylize", time.monotonic() - started)
        sink.put(partial(self.write, finished))
        self._count += 1
        self._in_segment += 1
        if self._in_segment == self.segment_frames:
            self._in_segment = 0
            sink.put(partial(self.cut, shot, self._saving()))

    def _saving(self) -> Save | None:
        """Writes the session's state of this moment, whatever is stylized before it is called."""
        if not self.session.has_state:
            return None
        return partial(save_snapshot, state=self.session.snapshot())


def _timed(items: Iterable[T], source: Background, clock: Clock) -> Iterator[T]:
    """The items; the time that they take counts as stylizing, without waiting for the stage before."""
    iterator = iter(items)
    while True:
        began, waited = time.monotonic(), source.waited
        item = next(iterator, None)
        clock.add("stylize", time.monotonic() - began - (source.waited - waited))
        if item is None:
            return
        yield item


def _run(work: Callable[[], object]) -> None:
    work()
