"""One clip on a cluster: what is to be done, and how far it is."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vst.batch.cluster.settings_text import settings_to_text
from vst.batch.cluster.works import (
    JoinClip,
    PlanClip,
    Planned,
    RenderSegments,
    ScanPart,
    Work,
)
from vst.files import hidden_name
from vst.pipeline.report import Report
from vst.pipeline.settings import RenderSettings
from vst.progress import Progress, progress_now

PLANNING = "planning"
"""The stage of a progress while a clip is planned."""


class ClipJob:
    """Plans a clip, renders its segments, joins them.

    Args:
        source: The clip, absolute.
        output: The output, absolute.
        settings: Of the render.
        jobs: 1 if one worker looks for shots; 0 if as many as there are places for workers.
    """

    def __init__(self, source: Path, output: Path, settings: RenderSettings, jobs: int) -> None:
        self.source, self.output, self.settings = source, output, settings
        self.job = str(job_path(output))
        self.plan = PlanClip(str(source), str(output), settings_to_text(settings), self.job, jobs)
        self.planned: Planned | None = None
        self.report: Report | None = None
        self.seconds = 0.0
        self._left: set[Work] = set()
        self._parts: dict[Work, Any] = {}  # with what was found in them
        self._frames = 0
        self._began = time.monotonic()

    def done(self, work: Work, value: Any) -> Iterable[Work]:
        """A work of this clip is done; returns what is to be done next."""
        if isinstance(value, Planned):
            self.planned, self._parts = value, {}
            self._frames, self._began = value.finished, time.monotonic()
            works = [RenderSegments(self.job, task) for task in value.tasks]
            self._left = set(works)
            return works or [self._join()]
        if isinstance(work, PlanClip):
            self._parts, self._left = dict.fromkeys(value), set(value)
            return value
        if isinstance(work, ScanPart):
            self._parts[work] = value
            self._left.discard(work)
            return [] if self._left else [dataclasses.replace(self.plan, scans=tuple(self._parts.values()))]
        if isinstance(work, RenderSegments):
            self._left.discard(work)
            self._frames += work.task.frames
            return [] if self._left else [self._join()]
        Path(self.job).unlink(missing_ok=True)
        self.report = value
        self.seconds = time.monotonic() - self._began
        return []

    def kept(self, frames: int) -> None:
        """So many frames are finished of a work that was stopped."""
        self._frames += frames

    def _join(self) -> JoinClip:
        return JoinClip(self.job, self.settings.overwrite)

    def progress(self, running: Iterable[tuple[Work, int]], busy: str) -> Progress:
        """How far the clip is.

        Args:
            running: Its works that are running, with their frames so far.
            busy: By how many workers.
        """
        now = sum(frames for _, frames in running)
        if self.planned is None:
            now += sum(len(found.frames) for found in self._parts.values() if found is not None)
            return progress_now(now, None, self._began, PLANNING)
        frames = self._frames - self.planned.finished + now
        return progress_now(frames, self.planned.frames, self._began, busy, self.planned.finished)

    @property
    def finished_frames(self) -> int:
        """Number of frames in finished segments, as far as it was told."""
        return self._frames


def job_path(output: Path) -> Path:
    """The hidden job file beside an output; it is removed when the output is finished."""
    return Path(os.path.abspath(output)).with_name(hidden_name(output.name, ".vst-job.json"))
