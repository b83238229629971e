"""Planning a job: one pass over the clip, before anything is stylized."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch

from vst.batch.farm.costs import CostEstimate, cut_into_segments
from vst.batch.farm.inputs import input_digests, weight_digests
from vst.batch.farm.job_file import Job, PlannedSegment, write_job
from vst.batch.farm.parallel_scan import Divided, join_parts, parts_of, scan_in_parts
from vst.batch.farm.scan import Scan, scan, spread
from vst.device import precision_name
from vst.errors import UsageError
from vst.files import check_new_file
from vst.media import ClipInfo, Reader, Writer
from vst.media.segments.encoder import MAX_SEGMENT_FRAMES
from vst.modes import backend_of
from vst.motion.files.recorded import is_recorded
from vst.motion.shot_detection import CUT_CONTEXT
from vst.pipeline.frame_range import RenderStart, end_of, find_start
from vst.pipeline.memory_estimate import explained_memory
from vst.pipeline.open_render import open_output, predict_session_memory, session_fingerprint, sizes_of
from vst.pipeline.open_session import open_session
from vst.pipeline.optimisation_run import begin_optimisation
from vst.pipeline.plan import RenderPlan, plan_render
from vst.pipeline.regions.frame_masks import open_masks
from vst.pipeline.session import StylizerSession
from vst.pipeline.settings import RenderSettings
from vst.pipeline.style_pictures import with_absolute_pictures
from vst.pipeline.threads import arithmetic_threads
from vst.progress import Progress
from vst.stream_paths import is_output_stream, is_stream
from vst.styles.painting_style import PaintingStyle


def plan(
    source: Path | str,
    settings: RenderSettings,
    job_path: Path | str,
    output: Path | str | None = None,
    *,
    jobs: int = 1,
    elsewhere: bool = False,
    scans: Sequence[Scan | None] | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Job:
    """Plan a render and write its job file.

    Everything that `vst.render` would refuse is refused here. What depends on the machine is decided:
    device, precision, backend, flow estimator and threads are those of this one.

    Args:
        source: The clip, or the pattern of an image sequence.
        settings: Style, mode and everything else.
        job_path: The job file to write.
        output: The output that `join` will write; as for `vst.render`.
        jobs: Number of parts of a long clip that are searched for shots at a time, by a process each.
        elsewhere: Raise `Divided` in place of searching several parts.
        scans: What was found in the parts of `Divided`, in order; None for one that cannot be read alone.
        progress: Called while shots are looked for.
        stop: Set it to stop.

    Raises:
        UsageError: As `vst.render`; or the clip is a single picture or a stream, which has no segments.
        MediaError: As `vst.render`.
        CutShort: The clip is damaged before its end.
        Interrupted: `stop` was set.
        Divided: As `elsewhere` asks; nothing was written.
    """
    job_path = Path(os.path.abspath(job_path))
    source = Path(os.path.abspath(source)) if not is_stream(Path(source)) else Path(source)
    found = plan_render(source, settings, output)
    found = dataclasses.replace(found, target=_absolute(found.target))
    if is_stream(source) or is_output_stream(found.target):
        raise UsageError("a stream is rendered in one go: use vst render")
    check_new_file(job_path, settings.overwrite, [source, found.target])
    with ExitStack() as stack:
        stack.enter_context(arithmetic_threads(settings.threads))
        stack.enter_context(explained_memory(found.device))
        reader = stack.enter_context(found.open_reader(stop))
        if reader.info.is_still:
            raise UsageError(f"{source.name} is one picture, which has no segments: use vst render")
        sizes = sizes_of(found, reader.info)
        writer = open_output(found, reader.info, sizes[0], stop)
        stack.callback(writer.abort)
        masks = stack.enter_context(open_masks(found.layers, reader.info, stop))
        session = open_session(found, reader, *sizes, masks=masks)
        found = _optimised(found, session, sizes[0])
        predict_session_memory(found, reader.info, session)
        start = find_start(found, reader, session, stop)
        total = found.clip_range.count(start.first, start.time, reader.info)
        how = (jobs, elsewhere, progress, stop)
        clip = _in_parts(found, reader, total, *how) if scans is None else join_parts(scans)
        clip = clip or _in_one_pass(found, reader, session, start, total, progress, stop)
        clip.seek_points = spread(clip.seek_points)
        job = Job(
            job_path,
            source,
            found.target,
            _decided(found, session),
            input_digests(reader.info),
            tuple(map(input_digests, () if masks is None else masks.infos)),
            weight_digests(found.weight_files),
            session_fingerprint(found, reader.info, session, writer),
            start,
            MAX_SEGMENT_FRAMES,
            tuple(_segments(found, clip, start, session, writer)),
            clip.first,
            tuple(clip.checksums),
            clip.seek_points,
        )
        _make_way(job, writer)
        write_job(job)
    return job


def _make_way(job: Job, writer: Writer) -> None:
    """Keep what is finished of the same render, and remove what is left of another one.

    Raises:
        UsageError: Segments of another render are there, and may be continued.
    """
    work = writer.work
    if not work.folder.is_dir():
        return
    is_same = work.description() == job.description
    if is_same and job.settings.resume:
        return
    if job.settings.resume and any(work.folder.glob("segment-*.json")):
        raise UsageError(
            f"{work.folder} has an unfinished render of {job.output.name} with other settings or of "
            "another clip: finish that one, or start again with --no-resume"
        )
    work.remove()


def _absolute(path: Path) -> Path:
    return path if is_output_stream(path) else Path(os.path.abspath(path))


def _decided(found: RenderPlan, session: StylizerSession) -> RenderSettings:
    """The settings with what was decided on this machine."""
    motion = session.motion
    recorded = motion is not None and is_recorded(motion.name)
    return dataclasses.replace(
        found.settings,
        device="cuda"
        if found.settings.device == "auto" and found.device.type == "cuda"
        else str(found.device),
        precision=precision_name(found.precision),
        backend=backend_of(session.stylizer).name,
        threads=torch.get_num_threads(),
        flow=found.settings.flow if motion is None or recorded else motion.name,
    )


def _optimised(found: RenderPlan, session: StylizerSession, size: tuple[int, int]) -> RenderPlan:
    """The plan of a mode that optimises pixels, with steps for seconds and absolute paths.

    Raises:
        UsageError: A preview was asked for.
    """
    optimisation = begin_optimisation(found, session.stylizer, size, None)
    if optimisation is None or not isinstance(found.style, PaintingStyle):
        return found
    if found.settings.preview is not None:
        raise UsageError("a preview is for one process: leave --preview out, or use vst render")
    settings = dataclasses.replace(optimisation.settled, loss_network=found.style.loss_network)
    return dataclasses.replace(found, settings=with_absolute_pictures(settings))


def _in_parts(
    found: RenderPlan,
    reader: Reader,
    total: int | None,
    jobs: int,
    elsewhere: bool,
    progress: Callable[[Progress], None] | None,
    stop: threading.Event | None,
) -> Scan | None:
    """The scan of a clip by several processes; None if it has to be read in one pass."""
    if jobs == 1 or not found.clip_range.is_whole or is_recorded(found.settings.flow):
        return None
    parts = parts_of(found, reader, jobs, total)
    if not parts:
        return None
    if elsewhere:
        raise Divided(parts)
    return scan_in_parts(found, parts, total=total, progress=progress, stop=stop)


def _in_one_pass(
    found: RenderPlan,
    reader: Reader,
    session: StylizerSession,
    start: RenderStart,
    total: int | None,
    progress: Callable[[Progress], None] | None,
    stop: threading.Event | None,
) -> Scan:
    info: ClipInfo = reader.info
    first = max(start.shot - CUT_CONTEXT, 0)
    is_past_end = end_of(found.clip_range, start.first, info)
    return scan(found, reader, session, first, is_past_end, total=total, progress=progress, stop=stop)


def _segments(
    found: RenderPlan, clip: Scan, start: RenderStart, session: StylizerSession, writer: Writer
) -> list[PlannedSegment]:
    until_last = found.clip_range.has_end
    writer.set_time_range(start.time if start.first else None, until_last_frame=until_last)
    stamps = {frame.index: writer.stamp(frame) for frame in clip.frames if frame.index >= start.first}
    estimate = CostEstimate(session, clip, clip.seek_points, start)
    return [
        estimate.planned(index, first, end, shot, stamps.get(first - 1))
        for index, (first, end, shot) in enumerate(cut_into_segments(clip, start, MAX_SEGMENT_FRAMES))
    ]
