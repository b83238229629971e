"""Runs a batch: finds the files, skips what is done, renders the rest, goes on after a failure."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path

from vst.batch.find import LOCK, find_jobs
from vst.batch.job import Job, Paint, Result, State, attempt, one_line
from vst.batch.manifest import Manifest
from vst.batch.workers import run_in_workers
from vst.device import choose_device, choose_precision
from vst.errors import MediaError, UsageError
from vst.media.encode.codec_choice import codec_named
from vst.media.segments.output_lock import OutputLock
from vst.modes import check_mode
from vst.motion import check_estimator
from vst.pipeline import Progress, RenderSettings, Report, render
from vst.styles import load_catalogue, parse_blend


class Watcher:
    """What is told of a batch while it runs, in the thread that runs it. This one does nothing with it."""

    def started(self, jobs: Sequence[Job]) -> None:
        """These files were found."""

    def progressed(self, job: Job, progress: Progress) -> None:
        """A render went on."""

    def finished(self, result: Result) -> None:
        """A file was rendered, skipped, or failed."""


def run(
    source: Path,
    output: Path,
    settings: RenderSettings,
    *,
    jobs: int = 1,
    watcher: Watcher | None = None,
    stop: threading.Event | None = None,
) -> list[Result]:
    """Render every video and picture below a folder into another folder of the same structure.

    Names stay, and containers where they can be written. A file whose output was made by an earlier batch,
    from the same source with the same settings, is skipped; any other output that is there is replaced only
    with ``settings.overwrite``.

    Args:
        source: The folder to read.
        output: The folder to write; made if need be. It also gets the record of what was done.
        settings: As for `render`, for all files.
        jobs: Worker processes. With more than one, each gets its share of the cores unless
            ``settings.threads`` says otherwise.
        watcher: Told what happens.
        stop: Once set, running renders finish their frame and end, and nothing new is begun.

    Returns:
        A result for every file, in order of their names.

    Raises:
        UsageError: No file could be rendered with these settings, or the folders are one.
        MediaError: The source folder is missing or holds nothing to render, or the output folder
            cannot be written, or another batch is writing into it.
    """
    if jobs < 1:
        raise UsageError(f"--jobs is {jobs}: expected 1 or more")
    stop = stop or threading.Event()
    watcher = watcher or Watcher()
    check_settings(settings)
    found = find_jobs(source, output)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(f"folder {output} cannot be made: {error.strerror}") from error
    with OutputLock(output, "batch", file=output / LOCK):
        return _run_jobs(found, Manifest(output), settings, jobs, watcher, stop)


def _run_jobs(
    found: Sequence[Job],
    manifest: Manifest,
    settings: RenderSettings,
    jobs: int,
    watcher: Watcher,
    stop: threading.Event,
) -> list[Result]:
    watcher.started(found)
    results: dict[str, Result] = {}
    left = []
    for job in found:
        known = _known(job, manifest, settings)
        if known is None:
            left.append(job)
        else:
            results[job.name] = known
            watcher.finished(known)
    jobs = max(1, min(jobs, len(left)))
    if jobs > 1 and settings.threads is None:
        settings = replace(settings, threads=max(1, (os.cpu_count() or 1) // jobs))
    paint = functools.partial(paint_job, settings)
    rendering = (
        run_in_workers(left, paint, jobs, watcher.progressed, stop)
        if jobs > 1
        else _run_here(left, paint, watcher.progressed, stop)
    )
    # Closed whatever happens, so that no worker outlives the batch.
    with contextlib.closing(rendering):
        for result in rendering:
            if result.state is State.DONE:
                manifest.record(result.job, settings)
                result = replace(result, message=_changed_container(result.job))
            elif result.incomplete is not None:
                result = _settled(result, result.incomplete, manifest, settings)
            results[result.job.name] = result
            watcher.finished(result)
    return [results[job.name] for job in found]


def paint_job(
    settings: RenderSettings, job: Job, progress: Callable[[Progress], None], stop: threading.Event
) -> Report:
    """Render one job, in whichever process this is."""
    job.output.parent.mkdir(parents=True, exist_ok=True)
    return render(job.source, settings, job.output, progress=progress, stop=stop)


def check_settings(settings: RenderSettings) -> None:
    """Refuse what no file could be rendered with, once and before any work."""
    check_mode(settings.mode)
    blend = parse_blend(settings.style)
    load_catalogue(settings.weights_dir).choose(blend, settings.mode, settings.quality)
    check_estimator(settings.flow)
    choose_precision(settings.precision, choose_device(settings.device))
    if settings.codec is not None:
        codec_named(settings.codec)


def _changed_container(job: Job) -> str:
    """What to say where an output could not have its source's container; mostly nothing."""
    was, became = job.source.suffix.lower(), job.output.suffix.lower()
    return "" if was == became else f"written as {became}, because {was} cannot be written"


def _settled(result: Result, written: Path, manifest: Manifest, settings: RenderSettings) -> Result:
    """The result of a clip that breaks off, whose part has replaced that of an earlier batch."""
    now = manifest.settle(result.job, settings, written)
    message = result.message.replace(one_line(written), one_line(now))
    return replace(result, message=message, incomplete=now)


_IN_THE_WAY = (
    "the output is there, but not made from this file as it is now, with these settings; -y replaces it"
)


def _known(job: Job, manifest: Manifest, settings: RenderSettings) -> Result | None:
    """The result of a job that need not, or must not, be rendered."""
    if manifest.is_done(job, settings):
        return Result(job, State.SKIPPED, message="done already")
    if job.output.exists() and not settings.overwrite:
        return Result(job, State.FAILED, message=_IN_THE_WAY)
    return None


def _run_here(
    jobs: Sequence[Job], paint: Paint, progressed: Callable[[Job, Progress], None], stop: threading.Event
) -> Generator[Result]:
    """One after the other, in this process."""
    for job in jobs:
        if stop.is_set():
            yield Result(job, State.STOPPED)
        else:
            yield attempt(job, paint, functools.partial(progressed, job), stop)
