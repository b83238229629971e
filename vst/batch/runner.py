"""Runs a batch: finds the files, skips those that are up to date, renders the others."""

from __future__ import annotations

import contextlib
import functools
import threading
import unicodedata
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path

from vst.batch.batch_file import BatchFile, FileResult, FileState, RenderFile, one_line, render_safely
from vst.batch.cores import default_jobs, usable_cores
from vst.batch.find import LOCK_NAME, FoundFiles, find_files, warn_of_sequences
from vst.batch.ingredients import leave_out_ingredients
from vst.batch.left_out import LeftOut, summary_lines
from vst.batch.manifest import FileVanished, Manifest
from vst.batch.picture_settings import note_options_for_video, options_for_video, settings_of
from vst.batch.sidecar import own_settings, with_sidecar
from vst.batch.work_size import largest_first, sized_largest_first
from vst.batch.workers import run_in_workers
from vst.device import choose_device
from vst.errors import MediaError, UsageError
from vst.files import make_folder
from vst.media.encode.codec_choice import codec_named
from vst.media.segments.output_lock import OutputLock
from vst.media.stills.animate import ANIMATIONS
from vst.motion import check_estimator
from vst.pipeline import Progress, RenderSettings, Report, render
from vst.pipeline.optimisation import precision_of
from vst.pipeline.output_path import written_suffix
from vst.pipeline.regions.styles import resolve_styles


class Watcher:
    """Callbacks of a running batch, in the thread that runs it. These do nothing."""

    def left_out(self, left_out: Sequence[LeftOut]) -> None:
        """The batch found this in its folder, and does not render it."""

    def started(self, files: Sequence[BatchFile]) -> None:
        """The batch found these files."""

    def noted(self, note: str) -> None:
        """The user should know this of the batch, such as that a node of a cluster is not used."""

    def progressed(self, file: BatchFile, progress: Progress) -> None:
        """A render made progress."""

    def finished(self, result: FileResult) -> None:
        """A file was rendered, skipped, or failed."""


def run(
    source: Path,
    output: Path,
    settings: RenderSettings,
    *,
    jobs: int | None = None,
    ray: str | None = None,
    allow_mixed: bool = False,
    watcher: Watcher | None = None,
    stop: threading.Event | None = None,
) -> list[FileResult]:
    """Render every video and picture below a folder into another folder with the same structure.

    Outputs keep the names of their sources, and the containers that can be written and hold the codec. A
    file is skipped if an earlier batch made its output from the same source with the same settings. Any
    other existing output is replaced only with ``settings.overwrite``. Codec and quality are for video:
    pictures are rendered without them.

    Args:
        source: The folder to read.
        output: The folder to write, created if it does not exist. It also gets the record of the batch.
        settings: The settings of all renders.
        jobs: Number of worker processes; None: as many as are quickest on this machine. Several share the
            cores equally, unless ``settings.threads`` is given, and begin with the largest files.
        ray: Render on a Ray cluster instead: ``auto``, ``local`` or its address.
        allow_mixed: Whether nodes of the cluster that make other bits than most are used, too.
        watcher: Receives the progress.
        stop: Once set, running renders finish their frame and stop, and no other is started.

    Returns:
        A result for every file, in the order of their names, then one for every folder that cannot be read.

    Raises:
        UsageError: If no file could be rendered with these settings, or the folders are the same.
        MediaError: If the source folder is missing or contains nothing to render, the output folder cannot
            be written, or another batch is writing into it.
        VstError: If there is no cluster, or none of its nodes can render.
    """
    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs is {jobs}; expected 1 or more")
    if jobs is not None and ray is not None:
        raise UsageError("--jobs is for the processes of one machine: leave it out with --ray")
    if ray is not None:
        from vst.batch.cluster.ray_cluster import check_address

        check_address(ray)
    stop = stop or threading.Event()
    watcher = watcher or Watcher()
    check_settings(settings)
    found, failed = _with_sidecars(find_files(source, output, settings.codec, stop), settings)
    found = leave_out_ingredients(found, settings)
    watcher.left_out(found.left_out)
    if not found.files and not found.unreadable:
        rest = "; ".join(summary_lines(found.left_out)) or "it is empty"
        raise MediaError(f"{source} contains no video or picture that can be read: {rest}")
    warn_of_sequences(found.files)
    note_options_for_video(found.files, settings)
    make_folder(output)

    def rendering(left: list[BatchFile]) -> Generator[FileResult]:
        if ray is None:
            return _run_on_this_machine(left, settings, jobs, watcher, stop)
        from vst.batch.cluster.batch import run_on_ray

        return run_on_ray(
            sized_largest_first(left, stop),
            (source, output),
            settings,
            ray,
            allow_mixed,
            watcher.progressed,
            stop,
            watcher.noted,
        )

    with OutputLock(output, "batch", file=output / LOCK_NAME):
        return _render_files(found, failed, Manifest(output), settings, rendering, watcher)


def _render_files(
    found: FoundFiles,
    failed: dict[str, str],
    manifest: Manifest,
    settings: RenderSettings,
    rendering: Callable[[list[BatchFile]], Generator[FileResult]],
    watcher: Watcher,
) -> list[FileResult]:
    """Render what was found; `failed` has the names of files with invalid sidecars, and the reason."""
    files = [*found.files, *(folder for folder, _ in found.unreadable)]
    watcher.started(files)
    unreadable = {
        folder.name: f"the folder cannot be read: {reason}; check its access rights"
        for folder, reason in found.unreadable
    }
    failed = unreadable | _same_but_for_case(found.files, manifest.folder) | failed
    results: dict[str, FileResult] = {}
    left = []
    for file in files:
        known = (
            FileResult(file, FileState.FAILED, message=failed[file.name])
            if file.name in failed
            else _known_result(file, manifest, settings)
        )
        if known is None:
            left.append(file)
        else:
            results[file.name] = known
            watcher.finished(known)
    if not left:
        return [results[file.name] for file in files]
    # Closed in any case, so that no worker outlives the batch.
    with contextlib.closing(rendering(left)) as running:
        for result in running:
            try:
                result = _recorded(result, manifest, settings)
            except FileVanished as error:
                result = replace(result, state=FileState.FAILED, message=one_line(error), incomplete=None)
            results[result.file.name] = result
            watcher.finished(result)
    return [results[file.name] for file in files]


def _with_sidecars(found: FoundFiles, settings: RenderSettings) -> tuple[FoundFiles, dict[str, str]]:
    """The files with the settings of their sidecars, and names of those that fail with the reason."""
    files, wrong = [], {}
    for file in found.files:
        try:
            file = with_sidecar(file, settings)
        except UsageError as error:
            wrong[file.name] = one_line(error)
        files.append(file)
    return replace(found, files=tuple(files)), wrong


def _run_on_this_machine(
    left: list[BatchFile],
    settings: RenderSettings,
    jobs: int | None,
    watcher: Watcher,
    stop: threading.Event,
) -> Generator[FileResult]:
    """Render files in this process, or in several."""
    jobs = max(1, min(default_jobs(settings.device) if jobs is None else jobs, len(left)))
    if jobs == 1:
        return _run_here(left, functools.partial(render_file, settings), watcher.progressed, stop)
    if settings.threads is None:
        settings = replace(settings, threads=max(1, usable_cores() // jobs))
    render_one = functools.partial(render_file, settings)
    return run_in_workers(largest_first(left, stop), render_one, jobs, watcher.progressed, stop)


def render_file(
    settings: RenderSettings, file: BatchFile, progress: Callable[[Progress], None], stop: threading.Event
) -> Report:
    """Render one file; runs in this process or in a worker."""
    make_folder(file.output.parent)
    settings = settings_of(file, own_settings(file, settings))
    return render(file.source, settings, file.output, progress=progress, stop=stop)


def check_settings(settings: RenderSettings) -> None:
    """Refuse settings that no file can be rendered with, before any file is opened.

    Raises:
        UsageError: for an unknown style, mode, estimator, codec, device or precision.
        WeightsError: for damaged weights.
        VstError: for a device that does not exist on this machine.
    """
    resolve_styles(settings)
    check_estimator(settings.flow)
    precision_of(settings, choose_device(settings.device))
    if settings.codec is not None and settings.codec not in ANIMATIONS:
        codec_named(settings.codec)


def _with_changes(result: FileResult, settings: RenderSettings) -> FileResult:
    """The result of a rendered file, with what differs from the source's container and the settings."""
    file, notes = result.file, result.notes
    options = options_for_video(settings)
    if file.is_picture and options:
        notes = (*notes, f"rendered without {options}, which does not apply to it")
    was, became = file.source.suffix.lower(), file.output.suffix.lower()
    if was == became:
        message = ""
    elif became != written_suffix(file.source).lower():
        message = f"written as {became}: {was} cannot hold {settings.codec}"
    elif was:
        message = f"written as {became}, because {was} cannot be written"
    else:
        message = f"written as {became}, because the name has no extension"
    return replace(result, message=message, notes=notes)


def _same_but_for_case(files: Sequence[BatchFile], output: Path) -> dict[str, str]:
    """Names that the output folder takes for an earlier one's, each with the reason why it fails."""
    if not (output / LOCK_NAME.upper()).exists():  # it exists in lower case
        return {}
    failed, earlier = {}, dict[str, str]()
    for file in files:
        other = earlier.setdefault(unicodedata.normalize("NFC", file.name).casefold(), file.name)
        if other != file.name:
            failed[file.name] = (
                f"the output folder does not distinguish its name from that of {other}; rename one of them"
            )
    return failed


def _recorded(result: FileResult, manifest: Manifest, settings: RenderSettings) -> FileResult:
    """The result of a file whose output is recorded; of a clip that ended early with its final path."""
    settings = own_settings(result.file, settings)
    if result.state is FileState.DONE:
        manifest.record(result.file, settings)
        return _with_changes(result, settings)
    written = result.incomplete
    if written is None:
        return result
    now = manifest.record_incomplete(result.file, settings, written)
    message = result.message.replace(one_line(written), one_line(now))
    return replace(result, message=message, incomplete=now)


_OUT_OF_DATE = "the output exists, but was not made from this file with these settings; -y replaces it"


def _known_result(file: BatchFile, manifest: Manifest, settings: RenderSettings) -> FileResult | None:
    """The result of a file that is not to be rendered; None for the others."""
    settings = own_settings(file, settings)
    if manifest.is_done(file, settings):
        return FileResult(file, FileState.SKIPPED, message="up to date")
    if file.output.exists() and not settings.overwrite:
        return FileResult(file, FileState.FAILED, message=_OUT_OF_DATE)
    return None


def _run_here(
    files: Sequence[BatchFile],
    render_one: RenderFile,
    progressed: Callable[[BatchFile, Progress], None],
    stop: threading.Event,
) -> Generator[FileResult]:
    """Render files one after the other in this process."""
    for file in files:
        if stop.is_set():
            yield FileResult(file, FileState.STOPPED)
        else:
            yield render_safely(file, render_one, functools.partial(progressed, file), stop)
