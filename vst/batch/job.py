"""One file of a batch, and what became of it."""

from __future__ import annotations

import enum
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vst.errors import CutShort, Interrupted, VstError

if TYPE_CHECKING:
    from vst.pipeline import Progress, Report

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One file to render.

    Attributes:
        name: The output's path relative to the output folder, with forward slashes; unique in a batch.
        source: The file to read.
        output: The file to write.
    """

    name: str
    source: Path
    output: Path


class State(enum.StrEnum):
    """What became of a file."""

    DONE = "done"
    """Rendered now."""
    SKIPPED = "skipped"
    """Rendered earlier, and still right."""
    FAILED = "failed"
    """Not rendered; the message says why."""
    STOPPED = "stopped"
    """Not finished, or not begun, because the user asked to stop."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one job.

    Attributes:
        job: The job.
        state: What became of it.
        frames: How many frames were rendered.
        seconds: How long that took.
        message: Why it failed or was skipped, in one line.
        notes: What the render says of its output.
        incomplete: The file that has what came before a clip broke off.
    """

    job: Job
    state: State
    frames: int = 0
    seconds: float = 0.0
    message: str = ""
    notes: tuple[str, ...] = ()
    incomplete: Path | None = None


Paint = Callable[[Job, Callable[["Progress"], None], threading.Event], "Report"]
"""Renders one job: takes the job, a callback for progress, and the event that stops it."""


def attempt(job: Job, paint: Paint, progress: Callable[[Progress], None], stop: threading.Event) -> Result:
    """Render one job; whatever goes wrong with it becomes its result."""
    try:
        report = paint(job, progress, stop)
    except Interrupted:
        return Result(job, State.STOPPED)
    except VstError as error:
        kept = error.kept if isinstance(error, CutShort) else None
        return Result(job, State.FAILED, message=one_line(error), incomplete=kept)
    except Exception as error:  # one file must not end the batch, whatever is wrong with it
        _log.debug("%s", job.source, exc_info=True)
        return Result(
            job, State.FAILED, message=f"internal error ({type(error).__name__}: {one_line(error)})"
        )
    return Result(job, State.DONE, report.frames, report.seconds, notes=report.notes)


def one_line(said: object) -> str:
    """What an error or a path says, without breaks."""
    return " ".join(str(said).split())
