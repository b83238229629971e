"""`vst render --ray`: one clip on a cluster."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from vst.batch.cluster.clip_job import ClipJob
from vst.batch.cluster.fleet import Cluster, Fleet
from vst.batch.cluster.ray_cluster import check_address, connected
from vst.batch.cluster.scheduler import Scheduler
from vst.batch.cluster.settings_text import settings_to_text
from vst.batch.cluster.shared_folder import mask_places, shared_files
from vst.batch.cluster.works import Check, PlanClip, Planned, Work
from vst.errors import MediaError, UsageError, VstError
from vst.files import make_folder
from vst.media.file_errors import check_readable
from vst.media.stills.samples import is_still
from vst.media.stills.sequence import is_pattern
from vst.pipeline.output_path import output_path
from vst.pipeline.report import Report
from vst.pipeline.settings import RenderSettings
from vst.progress import Progress
from vst.stream_paths import is_output_stream, is_stream

THREADS = 1
"""CPU threads of a worker, if the user does not say: frames depend on it, so no node may choose its own."""


def render_on_ray(
    source: Path | str,
    settings: RenderSettings,
    output: Path | str | None = None,
    *,
    address: str = "local",
    allow_mixed: bool = False,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    begun: Callable[[tuple[str, ...]], None] | None = None,
) -> Report:
    """Render a clip on the nodes of a Ray cluster: the file of `vst.render` with as many threads.

    Args:
        source: The clip, or the pattern of an image sequence; every node sees it under the same path.
        settings: As for `vst.render`. A worker has one thread, if no number is given.
        output: As for `vst.render`, in a folder that every node sees.
        address: ``local`` for a cluster on this machine, ``auto`` for the one that it belongs to, or the
            address of that cluster's head.
        allow_mixed: Whether nodes that make other bits than most are used, too.
        progress: Called every two seconds.
        stop: Set it to stop after the frames in progress; finished segments are kept.
        begun: Called with notes as they come: among others which nodes are not used.

    Raises:
        UsageError: As `vst.render`; or the clip is a picture or a stream, or the address is none.
        MediaError: As `vst.render`.
        Interrupted: `stop` was set. The next call goes on after the finished segments.
        VstError: There is no cluster, or none of its nodes can render.
    """
    began = time.monotonic()
    check_address(address)
    settings = cluster_settings(settings)
    clip, target = _paths(Path(source), settings, None if output is None else Path(output))
    notes: list[str] = []

    def note(line: str) -> None:
        notes.append(line)
        if begun is not None:
            begun((line,))

    shared = [clip.parent if is_pattern(clip) else clip, *mask_places(settings)]
    with shared_files(target, shared) as files, connected(address) as cluster:
        check = Check(files, settings_to_text(settings))
        fleet = open_fleet(cluster, check, settings, allow_mixed, note)
        client = _RenderClient(ClipJob(clip, target, settings, 0), fleet, progress)
        Scheduler(fleet, client, stop).run([client.clip.plan])
    report = client.clip.report
    assert report is not None  # else the scheduler has raised
    return dataclasses.replace(
        report,
        source=Path(source),
        seconds=time.monotonic() - began,
        notes=(*notes, *report.notes),
        resumed=0 if client.clip.planned is None else client.clip.planned.finished,
    )


def cluster_settings(settings: RenderSettings) -> RenderSettings:
    """Settings for a cluster: with a number of threads.

    Raises:
        UsageError: They name one GPU of a machine.
    """
    if settings.device.startswith("cuda:"):
        raise UsageError(f"--device {settings.device} with --ray: give cuda, and Ray chooses the GPU")
    return dataclasses.replace(settings, threads=settings.threads or THREADS)


def open_fleet(
    cluster: Cluster,
    check: Check,
    settings: RenderSettings,
    allow_mixed: bool,
    note: Callable[[str], None],
) -> Fleet:
    """The fleet for some settings; it uses the GPUs of a cluster that has any."""
    on_gpus = settings.device == "cuda" or (
        settings.device == "auto" and any(node.gpus for node in cluster.nodes())
    )
    assert settings.threads is not None
    return Fleet(cluster, check, settings.threads, on_gpus, allow_mixed, note)


def _paths(source: Path, settings: RenderSettings, output: Path | None) -> tuple[Path, Path]:
    """Clip and output, absolute.

    Raises:
        UsageError: The clip is a picture or a stream, or the output is a stream.
        MediaError: The clip cannot be read, or the output exists.
    """
    target = output_path(source, settings, output)
    if is_stream(source) or is_output_stream(target):
        raise UsageError("a stream is rendered in one go: leave --ray out")
    if not is_pattern(source):
        check_readable(source)
        if is_still(source):
            raise UsageError(f"{source.name} is one picture, which has no segments: leave --ray out")
    if target.exists() and not settings.overwrite:
        raise MediaError(f"{target} exists already: -y replaces it, or choose another output with -o")
    if is_pattern(target):
        make_folder(target.parent, parents=False)
    return Path(os.path.abspath(source)), Path(os.path.abspath(target))


class _RenderClient:
    """What the scheduler tells, for one clip."""

    def __init__(self, clip: ClipJob, fleet: Fleet, progress: Callable[[Progress], None] | None) -> None:
        self.clip, self._fleet, self._progress = clip, fleet, progress

    def done(self, work: Work, value: Any) -> Iterable[Work]:
        """Go on with what follows: with parts of the clip, or with its segments, on all workers."""
        if isinstance(work, PlanClip):
            self._fleet.spread(value.memory if isinstance(value, Planned) else 0)
        return self.clip.done(work, value)

    def failed(self, work: Work, error: VstError) -> Iterable[Work]:
        """Give up."""
        error.args = (f"{error}{self.left()}",)
        raise error

    def kept(self, work: Work, frames: int) -> None:
        """Count what is finished of a work that was stopped."""
        self.clip.kept(frames)

    def progressed(self, running: Iterable[tuple[Work, int]], busy: str) -> None:
        """Show how far the clip is."""
        if self._progress is not None:
            self._progress(self.clip.progress(running, busy))

    def left(self) -> str:
        """What is kept."""
        if not self.clip.finished_frames:
            return "; no output was written"
        return (
            f"; {self.clip.finished_frames} frames in finished segments are kept, and the same command "
            "goes on after them"
        )
