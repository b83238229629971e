"""What workers on the nodes of a cluster do. All of it is pickled, and runs on a node."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vst.batch.batch_file import BatchFile, FileResult, render_safely
from vst.batch.cluster.settings_text import settings_from_text
from vst.errors import CutShort, Interrupted, OutputInUse, UsageError, VstError

if TYPE_CHECKING:
    from vst.batch.cluster.probe import MachineReport
    from vst.batch.farm import Job, SegmentRenderer, SegmentResult
    from vst.batch.farm.parallel_scan import Part
    from vst.batch.farm.scan import Scan
    from vst.pipeline import Progress, RenderSettings, Report


_log = logging.getLogger(__name__)


class Desk(Protocol):
    """What a worker has while it works.

    Attributes:
        stop: Set to end the work after the frame in progress.
    """

    stop: threading.Event

    def report(self, frames: int) -> None:
        """Say how many frames of the work are done."""

    def renderer(self, job: str, allow_mixed: bool) -> SegmentRenderer:
        """The renderer of a job; it stays loaded until another job comes."""

    def leave(self) -> None:
        """Unload the renderer."""


@dataclass(frozen=True)
class Failed:
    """Why a work could not be done.

    Attributes:
        message: One line.
        exit_code: Of the error; 2: it would fail on every node.
        is_in_use: Whether another process is writing the same segment.
        kept: Number of frames of the work that are finished all the same.
    """

    message: str
    exit_code: int = 1
    is_in_use: bool = False
    kept: int = 0

    def error(self) -> VstError:
        """The error again, in this process."""
        kinds = {UsageError.exit_code: UsageError, Interrupted.exit_code: Interrupted}
        return kinds.get(self.exit_code, VstError)(self.message)


@dataclass(frozen=True)
class SharedFile:
    """A file that every node has to see.

    Attributes:
        path: Where it is, absolute.
        size: In bytes; None for a folder.
        content: What is in it, if that is to be compared.
    """

    path: str
    size: int | None
    content: str | None = None


@dataclass(frozen=True)
class Check:
    """The first work of every worker: whether the node sees the files, and which bits it makes.

    Attributes:
        shared: What it has to see.
        settings: Of the render, as JSON; None for further workers of a node, which make the same bits.
    """

    shared: tuple[SharedFile, ...]
    settings: str | None

    def run(self, desk: Desk) -> MachineReport | None:
        """Look at the files, then render probe frames."""
        for file in self.shared:
            _look_at(file)
        if self.settings is None:
            return None
        from vst.batch.cluster.probe import probe

        return probe(settings_from_text(self.settings))


@dataclass(frozen=True)
class SegmentTask:
    """Some segments of a job that one worker renders in order.

    Attributes:
        segments: Their numbers.
        frames: Number of their frames.
        cost: Frames decoded and stylized.
    """

    segments: tuple[int, ...]
    frames: int
    cost: int


@dataclass(frozen=True)
class Planned:
    """A job that was planned.

    Attributes:
        tasks: What is to be rendered, the most expensive first.
        frames: Of the output.
        finished: Number of frames that an earlier run had finished.
        memory: What a worker takes in bytes, about.
    """

    tasks: tuple[SegmentTask, ...]
    frames: int
    finished: int
    memory: int


@dataclass(frozen=True)
class PlanClip:
    """Plan a clip, or take up the plan of an earlier run.

    Attributes:
        source: The clip.
        output: The output.
        settings: Of the render, as JSON.
        job: The job file to write.
        jobs: Parts of a long clip that are searched for shots at a time.
        scans: What was found in the parts, if they were searched.
    """

    source: str
    output: str
    settings: str
    job: str
    jobs: int = 1
    scans: tuple[Scan | None, ...] | None = field(default=None, compare=False)

    def run(self, desk: Desk) -> Planned | tuple[ScanPart, ...]:
        """Plan, with the progress of the pass over the clip; or say in which parts it is to be searched."""
        from vst.batch.farm import plan
        from vst.batch.farm.parallel_scan import Divided

        settings = settings_from_text(self.settings)
        job = self._earlier(desk, settings)
        if job is None:
            # A plan that is refused leaves the earlier one, for the settings that it belongs to.
            new = Path(self.job).with_suffix(".new")
            new.unlink(missing_ok=True)
            try:
                job = plan(
                    self.source,
                    settings,
                    new,
                    self.output,
                    jobs=self.jobs,
                    elsewhere=True,
                    scans=self.scans,
                    progress=lambda each: desk.report(each.frame),
                    stop=desk.stop,
                )
            except Divided as divided:
                return tuple(ScanPart(self, part) for part in divided.parts)
            os.replace(new, self.job)
        renderer = desk.renderer(self.job, False)
        left = [k for k in range(len(job.segments)) if not renderer.is_finished(k)]
        tasks = tuple(tasks_of(job, left))
        return Planned(tasks, job.frames, job.frames - sum(t.frames for t in tasks), renderer.memory)

    def _earlier(self, desk: Desk, settings: RenderSettings) -> Job | None:
        """The job of an earlier run with the same settings, if nothing has changed since."""
        from vst.batch.farm import read_job

        if not settings.resume:
            return None
        with contextlib.suppress(VstError):
            job = read_job(self.job)
            if (str(job.source), str(job.output)) == (self.source, self.output) and job.is_for(settings):
                return desk.renderer(self.job, False).job
        return None


@dataclass(frozen=True)
class ScanPart:
    """Look for the shots in a part of a clip.

    Attributes:
        clip: The clip.
        part: Which part.
    """

    clip: PlanClip
    part: Part

    @property
    def job(self) -> str:
        """The job file that is to be written."""
        return self.clip.job

    def run(self, desk: Desk) -> Scan | None:
        """Scan it; None if the clip has to be read in one pass."""
        from vst.batch.farm.parallel_scan import scan_part

        clip = self.clip
        settings = settings_from_text(clip.settings)
        return scan_part(Path(clip.source), settings, Path(clip.output), self.part, desk.stop, desk.report)


@dataclass(frozen=True)
class RenderSegments:
    """Render segments of a job.

    Attributes:
        job: The job file.
        task: Which.
        allow_mixed: Whether the node may give other bits than the one that planned.
    """

    job: str
    task: SegmentTask
    allow_mixed: bool = False

    def run(self, desk: Desk) -> tuple[SegmentResult, ...] | Failed:
        """Render them one after the other."""
        renderer = desk.renderer(self.job, self.allow_mixed)
        results: list[SegmentResult] = []
        for index in self.task.segments:
            done = sum(each.frames for each in results)
            try:
                results.append(renderer.render(index, functools.partial(_report, desk, done)))
            except VstError as error:
                desk.leave()
                return dataclasses.replace(failed(error), kept=done)
            desk.report(done + results[-1].frames)
        return tuple(results)


@dataclass(frozen=True)
class JoinClip:
    """Join the segments of a job into its output.

    Attributes:
        job: The job file. Who asked for the work removes it: until its result is known, it may have to be
            done again.
        overwrite: Whether an existing output may be replaced.
        again: Whether a worker died that did it: the output may be there.
    """

    job: str
    overwrite: bool
    again: bool = field(default=False, compare=False)

    def run(self, desk: Desk) -> Report:
        """Join; if the worker that died had joined them, report that."""
        from vst.batch.farm import join, joined, read_job

        desk.leave()
        job = read_job(self.job)
        earlier = joined(job) if self.again else None
        return earlier or join(job, overwrite=self.overwrite or self.again, stop=desk.stop)


@dataclass(frozen=True)
class RenderFile:
    """Render a file of a batch as a whole: a picture, or a clip that is not worth a plan.

    A clip goes on after the segments that another worker has finished of it.

    Attributes:
        file: The file.
        settings: Of the batch, as JSON.
        again: Whether a worker died that did it: the output may be there, and is replaced.
    """

    file: BatchFile
    settings: str
    again: bool = field(default=False, compare=False)

    def run(self, desk: Desk) -> FileResult | Failed:
        """Render it as a local batch does; `Failed` if that may be the fault of this node."""
        from vst.batch.runner import render_file

        desk.leave()
        settings, elsewhere = settings_from_text(self.settings), list[VstError]()
        settings = dataclasses.replace(settings, overwrite=settings.overwrite or self.again)

        def render_one(
            file: BatchFile, progress: Callable[[Progress], None], stop: threading.Event
        ) -> Report:
            try:
                return render_file(settings, file, progress, stop)
            except VstError as error:
                if not isinstance(error, UsageError | CutShort | Interrupted):
                    elsewhere.append(error)
                raise

        result = render_safely(self.file, render_one, lambda each: desk.report(each.frame), desk.stop)
        return failed(elsewhere[0]) if elsewhere else result


Work = Check | PlanClip | ScanPart | RenderSegments | JoinClip | RenderFile


def tasks_of(job: Job, segments: list[int]) -> list[SegmentTask]:
    """The tasks that segments of a job make, the most expensive first.

    A segment is a task. Segments of one shot that go on from each other are one task, so that nothing is
    stylized twice.

    Args:
        job: The job.
        segments: Numbers of its segments, in order.
    """
    chains: list[list[int]] = []
    for index in segments:
        planned = job.segments[index]
        last = chains[-1][-1] if chains else None
        continues = planned.after is not None and last is not None
        if continues and job.segments[last or 0].shot == planned.shot:
            chains[-1].append(index)
        else:
            chains.append([index])
    tasks = []
    for chain in chains:
        found = [job.segments[index] for index in chain]
        cost = sum(each.cost.decoded + each.cost.stylized for each in found)
        tasks.append(SegmentTask(tuple(chain), sum(each.frames for each in found), cost))
    return sorted(tasks, key=lambda task: (-task.cost, task.segments))


def failed(error: Exception) -> Failed:
    """What a work raised, as a value that can be sent."""
    message = " ".join(str(error).split())
    if isinstance(error, VstError):
        return Failed(message, error.exit_code, isinstance(error, OutputInUse))
    _log.debug("a work failed", exc_info=error)
    return Failed(f"internal error ({type(error).__name__}: {message})")


def _report(desk: Desk, before: int, progress: Progress) -> None:
    desk.report(before + progress.frame)


def _look_at(file: SharedFile) -> None:
    """Check that a file is the one that the caller sees.

    Raises:
        VstError: It is not.
    """
    path = Path(file.path)
    advice = "mount the same folder there under the same path"
    try:
        size = path.stat().st_size
        content = path.read_text() if file.content is not None else None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VstError(f"cannot see {path} ({reason.lower()}): {advice}") from error
    if file.size is not None and (size, content) != (file.size, file.content):
        raise VstError(f"sees another {path}: {advice}")
