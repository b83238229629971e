"""`vst batch --ray`: the files of a batch on a cluster."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

from vst.batch.batch_file import BatchFile, FileResult, FileState, one_line
from vst.batch.cluster.clip_job import ClipJob, job_path
from vst.batch.cluster.division import rendered_whole
from vst.batch.cluster.ray_cluster import connected
from vst.batch.cluster.render import cluster_settings, open_fleet
from vst.batch.cluster.scheduler import Scheduler
from vst.batch.cluster.settings_text import settings_to_text
from vst.batch.cluster.shared_folder import mask_places, shared_files
from vst.batch.cluster.works import Check, PlanClip, RenderFile, Work
from vst.batch.picture_settings import settings_of
from vst.batch.sidecar import own_settings
from vst.errors import Interrupted, MediaError, VstError
from vst.files import make_folder
from vst.pipeline.settings import RenderSettings
from vst.progress import Progress

_Progressed = Callable[[BatchFile, Progress], None]


def run_on_ray(
    files: Sequence[tuple[BatchFile, int]],
    folders: tuple[Path, Path],
    settings: RenderSettings,
    address: str,
    allow_mixed: bool,
    progressed: _Progressed,
    stop: threading.Event,
    note: Callable[[str], None],
) -> Generator[FileResult]:
    """Render files on a cluster: whole, and clips that would keep one worker too long in segments.

    Yields results in the order in which files are finished; with `vst.batch.workers.run_in_workers`
    it has the same meaning on the processes of one machine.

    Args:
        files: The files with their sizes in pixels, the largest first.
        folders: That of the sources and that of the outputs; every node sees both.
        settings: Of the batch.
        address: As for `render_on_ray`.
        allow_mixed: As for `render_on_ray`.
        progressed: Called with the progress of each file.
        stop: Set it to stop; finished segments are kept.
        note: Called with what the user should know of the nodes.

    Raises:
        VstError: There is no cluster, or none of its nodes can render.
    """
    settings = cluster_settings(settings)
    absolute = [
        dataclasses.replace(each, source=each.source.absolute(), output=each.output.absolute())
        for each, _ in files
    ]
    given = {file.name: file for file, _ in files}
    source, output = (each.absolute() for each in folders)
    client = _BatchClient(absolute, settings, lambda file, progress: progressed(given[file.name], progress))
    with (
        shared_files(output / "batch", [source, *mask_places(settings)]) as shared,
        connected(address) as cluster,
    ):
        fleet = open_fleet(cluster, Check(shared, settings_to_text(settings)), settings, allow_mixed, note)
        fleet.spread(0)
        workers = [count for node in cluster.nodes() if (count := fleet.capacity(node))]
        whole = rendered_whole([size for _, size in files], sum(workers), len(workers))
        try:
            for _ in Scheduler(fleet, client, stop).steps(client.begin(whole)):
                for result in client.take():
                    yield _of_file(result, given)
        except Interrupted:
            pass
    for result in (*client.take(), *(FileResult(each, FileState.STOPPED) for each in client.unfinished)):
        yield _of_file(result, given)


def _of_file(result: FileResult, given: dict[str, BatchFile]) -> FileResult:
    """The result for the file as it was given, with its own paths."""
    return dataclasses.replace(result, file=given[result.file.name])


class _BatchClient:
    """What the scheduler tells, for the files of a batch."""

    def __init__(
        self, files: Sequence[BatchFile], settings: RenderSettings, progressed: _Progressed
    ) -> None:
        self._settings, self._progressed = settings, progressed
        self._clips: dict[str, tuple[BatchFile, ClipJob]] = {}  # by job file
        self._results: list[FileResult] = []
        self._files = files
        self._unfinished = {file.name: file for file in files}

    @property
    def unfinished(self) -> list[BatchFile]:
        """The files without a result."""
        return list(self._unfinished.values())

    def begin(self, whole: Sequence[bool]) -> list[Work]:
        """The first work of each file.

        Args:
            whole: Of each file, whether one worker renders all of it. A clip that an earlier run has
                planned goes on as planned.
        """
        works: list[Work] = []
        for file, is_whole in zip(self._files, whole, strict=True):
            try:
                make_folder(file.output.parent)
            except MediaError as error:
                self._finish(FileResult(file, FileState.FAILED, message=one_line(error)))
                continue
            if file.is_picture or (is_whole and not job_path(file.output).exists()):
                works.append(self._whole(file))
                continue
            settings = settings_of(file, own_settings(file, self._settings))
            clip = ClipJob(file.source, file.output, settings, 1)
            self._clips[clip.job] = file, clip
            works.append(clip.plan)
        return works

    def take(self) -> list[FileResult]:
        """The results since the last call."""
        found, self._results = self._results, []
        return found

    def done(self, work: Work, value: Any) -> Iterable[Work]:
        """Go on with what follows."""
        if isinstance(value, FileResult):
            self._finish(value)
            return ()
        file, clip = self._of(work)
        follows = clip.done(work, value)
        if clip.report is not None:
            report = clip.report
            self._finish(FileResult(file, FileState.DONE, report.frames, clip.seconds, notes=report.notes))
        return follows

    def failed(self, work: Work, error: VstError) -> Iterable[Work]:
        """Note a file that has failed; one that cannot be planned is rendered as a whole."""
        if isinstance(work, RenderFile):
            self._finish(FileResult(work.file, FileState.FAILED, message=one_line(error)))
            return ()
        file, _ = self._of(work)
        if isinstance(work, PlanClip):
            return (self._whole(file),)
        if file.name in self._unfinished:  # several of its segments may fail
            self._finish(FileResult(file, FileState.FAILED, message=one_line(error)))
        return ()

    def kept(self, work: Work, frames: int) -> None:
        """Nothing: a file that is not finished is stopped, whatever is kept of it."""

    def progressed(self, running: Iterable[tuple[Work, int]], busy: str) -> None:
        """Show how far each file is."""
        by_clip: dict[str, list[tuple[Work, int]]] = {}
        for work, frames in running:
            if isinstance(work, RenderFile):
                self._progressed(work.file, Progress(frames, None, 0.0, None, busy))
            else:
                by_clip.setdefault(getattr(work, "job", ""), []).append((work, frames))
        for job, works in by_clip.items():
            file, clip = self._clips[job]
            self._progressed(file, clip.progress(works, busy))

    def left(self) -> str:
        """Nothing: each file has its own result."""
        return ""

    def _whole(self, file: BatchFile) -> RenderFile:
        return RenderFile(file, settings_to_text(self._settings))

    def _of(self, work: Work) -> tuple[BatchFile, ClipJob]:
        return self._clips[getattr(work, "job", "")]

    def _finish(self, result: FileResult) -> None:
        self._unfinished.pop(result.file.name, None)
        self._results.append(result)
