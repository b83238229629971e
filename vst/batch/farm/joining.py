"""Joining the finished segments of a job into its output."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Sequence

from vst.batch.farm.inputs import check_inputs
from vst.batch.farm.job_file import Job
from vst.errors import MediaError
from vst.media import Writer
from vst.media.segments.work_folder import Segment
from vst.media.stills.sequence import files_like, is_pattern
from vst.pipeline.open_render import open_output, sizes_of
from vst.pipeline.report import Report

_MAX_NAMED = 20
"""Ranges of missing segments that an error text names, at most."""


def join(job: Job, *, overwrite: bool = False, stop: threading.Event | None = None) -> Report:
    """Write the output from the finished segments, and from what the clip has beside the video.

    Args:
        job: From `plan` or `read_job`.
        overwrite: Whether an existing output may be replaced.
        stop: Ends the waiting for free disk space.

    Returns:
        What was done.

    Raises:
        MediaError: Segments are missing or damaged, the clip has changed, or the output cannot be written.
    """
    began = time.monotonic()
    # What may be replaced is for the caller to say, not for a file.
    settings = dataclasses.replace(job.settings, overwrite=overwrite)
    plan = dataclasses.replace(job.plan(), settings=settings)
    with plan.open_reader(stop) as reader:
        check_inputs(reader.info, job.inputs)
        writer = open_output(plan, reader.info, sizes_of(plan, reader.info)[0], stop)
        try:
            segments = _finished(job, writer)
            begin = job.start.time if job.start.first else None
            writer.set_time_range(begin, until_last_frame=plan.clip_range.has_end)
            writer.resume(segments)
            written = writer.finish()
        finally:
            writer.abort()
        notes = (*reader.notes, *writer.notes)
    seconds = time.monotonic() - began
    return Report(job.source, written, job.frames, job.shots, seconds, notes, job.settings)


def joined(job: Job) -> Report | None:
    """What `join` returned earlier, without its notes and its time; None if the output is not finished.

    Only for a job that is known to have been joined: an output of the same name whose segments are gone
    counts.

    Args:
        job: From `plan` or `read_job`.
    """
    written = files_like(job.output) if is_pattern(job.output) else job.output.exists()
    if not written or job.work.folder.exists():
        return None
    return Report(job.source, job.output, job.frames, job.shots, 0.0, (), job.settings)


def _finished(job: Job, writer: Writer) -> list[Segment]:
    """All segments of a job.

    Raises:
        MediaError: Some are missing or damaged.
    """
    work, found = writer.work, []
    if work.description() == job.description:
        found = [work.segment(index) for index in range(len(job.segments))]
    segments = [
        each
        for each, planned in zip(found, job.segments, strict=False)
        if each is not None and each.frames == planned.frames
    ]
    if len(segments) == len(job.segments):
        return segments
    known = {segment.index for segment in segments}
    missing = [index for index in range(len(job.segments)) if index not in known]
    raise MediaError(
        f"{len(missing)} of the {len(job.segments)} segments of {job.path.name} are missing or damaged: "
        f"render them with vst segment {job.path.name} {in_ranges(missing)}"
    )


def in_ranges(numbers: Sequence[int]) -> str:
    """``2 5-7`` for 2, 5, 6 and 7, in order."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    words = [f"{low}" if low == high else f"{low}-{high}" for low, high in ranges[:_MAX_NAMED]]
    return " ".join(words) + (" ..." if len(ranges) > _MAX_NAMED else "")
