"""Rendering the segments of a job, one after the other or any of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from vst.batch.farm.inputs import check_inputs, check_weights
from vst.batch.farm.job_file import Job, PlannedSegment
from vst.batch.farm.scan import FrameCheck, OtherFrames
from vst.errors import MediaError, UsageError
from vst.media import Writer
from vst.media.decode.decoder import SeekError, SeekPoint
from vst.media.segments.segment_transaction import Part
from vst.media.segments.work_folder import Save
from vst.motion.files.recorded import is_recorded
from vst.pipeline.fingerprint import changes
from vst.pipeline.frame_range import FrameRange, frame_range_from
from vst.pipeline.memory_estimate import explained_memory
from vst.pipeline.open_render import frames_fingerprint, open_output, predict_session_memory, sizes_of
from vst.pipeline.open_session import open_session
from vst.pipeline.regions.frame_masks import open_masks
from vst.pipeline.session import StylizerSession
from vst.pipeline.snapshot_file import load_snapshot
from vst.pipeline.stages import StageRunner
from vst.pipeline.threads import arithmetic_threads
from vst.progress import Progress


@dataclass(frozen=True)
class SegmentResult:
    """A finished segment.

    Attributes:
        index: Its number.
        frames: Number of frames.
        was_finished: Whether it had been finished before, so that nothing was done.
        replayed: Number of frames before it that were stylized again, because no snapshot was there.
        seconds: Wall time.
    """

    index: int
    frames: int
    was_finished: bool
    replayed: int
    seconds: float


class SegmentRenderer:
    """Renders segments of a job into the work folder, with its network loaded once.

    Used in a `with` block. Any number of processes may do this at the same time, on machines that see the
    same files: a segment that another process renders is refused.

    Args:
        job: From `plan` or `read_job`.
        stop: Set it to stop after the frame in progress; the segment in progress is lost.
        allow_mixed: Whether this machine may give other bits than the one of the plan. It then decodes
            from the start of the clip and compares no checksums, because these may differ too.

    Attributes:
        memory: Main memory that rendering takes in bytes, as predicted.

    Raises:
        MediaError: On entering: the clip has changed, or cannot be read.
        WeightsError: On entering: the weights are others than the job was planned with.
        UsageError: On entering: this machine would give other frames; the message names what differs.
        VstError: On entering: there is not enough memory, or the device is not available.
    """

    def __init__(self, job: Job, *, stop: threading.Event | None = None, allow_mixed: bool = False) -> None:
        self.job = job
        self.memory = 0
        self._stop, self._allow_mixed = stop, allow_mixed
        self._check = None if allow_mixed else FrameCheck(job.checked_from, job.checksums, job.source.name)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._plan = plan = self.job.plan()
            stack.enter_context(arithmetic_threads(self.job.settings.threads))
            stack.enter_context(explained_memory(plan.device))
            self._reader = stack.enter_context(plan.open_reader(self._stop))
            info = self._reader.info
            check_inputs(info, self.job.inputs)
            check_weights(plan.weight_files, self.job.weights)
            sizes = sizes_of(plan, info)
            masks = stack.enter_context(open_masks(plan.layers, info, self._stop))
            for mask, recorded in zip(() if masks is None else masks.infos, self.job.masks, strict=True):
                check_inputs(mask, recorded)
            self._session = open_session(plan, self._reader, *sizes, masks=masks)
            self._check_machine(self._session)
            self.memory = predict_session_memory(plan, info, self._session).main
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def _check_machine(self, session: StylizerSession) -> None:
        """Refuse to render what would not have the bits of the other segments, unless that is allowed."""
        plan, planned = self._plan, self.job.fingerprint
        here = frames_fingerprint(plan, self._reader.info, session)
        # `check_inputs` compared them, whatever their times and paths are.
        for compared in ("the clip", "the masks", "--mask", "--region"):
            here[compared] = planned.get(compared, "")
        if is_recorded(here["--flow"]):
            here["--flow"] = planned.get("--flow", "")  # its folder may have another path here
        different = changes({name: value for name, value in planned.items() if name in here}, here)
        if different and not self._allow_mixed:
            raise UsageError(
                f"this machine would render other frames than {self.job.path.name} was planned for: "
                f"{'; '.join(different)}; use equal machines and versions, or plan the job again"
            )

    def is_finished(self, index: int) -> bool:
        """Whether a segment is finished: all of its files are read."""
        work = self.job.work
        found = work.segment(index) if work.description() == self.job.description else None
        return found is not None and found.frames == self.job.segments[index].frames

    def render(self, index: int, progress: Callable[[Progress], None] | None = None) -> SegmentResult:
        """Render a segment, unless it is finished.

        Args:
            index: Its number.
            progress: Called after every frame.

        Raises:
            UsageError: There is no such segment.
            MediaError: The segment is being rendered by another process, or the output exists, or something
                cannot be read or written.
            Interrupted: `stop` was set.
        """
        began = time.monotonic()
        segment = self.job.numbered(index)
        # Whether decoding began at the right frame is known from the checksums only.
        points: Sequence[SeekPoint] = () if self._check is None else self.job.seek_points
        with ExitStack() as stack:
            # Some runtimes count threads for each thread that calls them.
            stack.enter_context(arithmetic_threads(self.job.settings.threads))
            writer = self._open(stack, index)
            if self.is_finished(index):
                return SegmentResult(index, segment.frames, True, 0, time.monotonic() - began)
            try:
                replayed = self._write(writer, index, segment, points, progress)
            except (SeekError, OtherFrames):
                if not points:
                    raise
                # In this file, frames refer to others before the keyframe where decoding began.
                writer.abort()
                replayed = self._write(self._open(stack, index), index, segment, (), progress)
        return SegmentResult(index, segment.frames, False, replayed, time.monotonic() - began)

    def _open(self, stack: ExitStack, index: int) -> Writer:
        plan, info = self._plan, self._reader.info
        if self.job.output.exists() and not self.job.settings.overwrite:
            raise MediaError(
                f"{self.job.output} exists already: it was joined, or another file has its name; to "
                "replace it, plan the job again with -y"
            )
        part = Part(index, self.job.description)
        writer = open_output(plan, info, sizes_of(plan, info)[0], self._stop, part)
        stack.callback(writer.abort)
        return writer

    def _write(
        self,
        writer: Writer,
        index: int,
        segment: PlannedSegment,
        points: Sequence[SeekPoint],
        progress: Callable[[Progress], None] | None,
    ) -> int:
        """Render a segment into a writer; returns how many frames before it were stylized again."""
        job = self.job
        begin = job.start.time if job.start.first else None
        writer.set_time_range(begin, until_last_frame=self._plan.clip_range.has_end)
        writer.continue_after(segment.stamp_before)
        writer.shot = segment.shot
        frame_range, begin_from = self._frame_range(index, segment)
        with self._plan.open_reader(self._stop, like=self._reader) as reader:
            reader.begin_at(frame_range.decode_from, points)

            def cut(shot: int, save: Save | None) -> None:
                if save is not None:  # the end of a segment within its shot
                    writer.cut(save)

            runner = StageRunner(
                self._session,
                writer.write,
                cut,
                frame_range,
                job.segment_frames,
                total=segment.frames,
                progress=progress,
                stop=self._stop,
                check=self._check,
            )
            counts = runner.run(reader.decoded())
        if counts.frames != segment.frames:
            raise MediaError(
                f"{job.source} ends after {counts.frames} of the {segment.frames} frames of segment "
                f"{index}: it has changed since the job was planned"
            )
        writer.cut(last=index + 1 == len(job.segments))
        return segment.first - begin_from if self._session.temporal else 0

    def _frame_range(self, index: int, segment: PlannedSegment) -> tuple[FrameRange, int]:
        """What to read and stylize, and the first frame that is stylized again.

        The session takes up the nearest state of the shot that is there.
        """
        session, never = self._session, FrameRange.is_past_end
        session.begin_shot()
        if session.control is not None:
            session.control.begin(segment.shot, self.job.shots_before(segment))
        earlier = self._restore(index) if segment.after is not None else None
        if earlier is None:
            found = frame_range_from(session, segment.first, segment.shot, False, never)
            begin = found.stylize_from
        else:
            found = frame_range_from(session, earlier.end, segment.shot, True, never)
            begin = earlier.end
        return replace(found, write_from=segment.first, write_until=segment.end), begin

    def _restore(self, index: int) -> PlannedSegment | None:
        """Take up the state after an earlier segment of the same shot; the segment, if there is one."""
        work = self.job.work
        if work.description() != self.job.description:
            return None
        for earlier in range(index - 1, -1, -1):
            planned = self.job.segments[earlier]
            if planned.shot != self.job.segments[index].shot:
                break
            found = work.recorded(earlier)
            if found is None or found.frames != planned.frames or not work.has_state(found):
                continue
            state = load_snapshot(work.state(earlier))
            if state is not None:
                self._session.restore(state)
                return planned
        return None
