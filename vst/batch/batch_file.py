"""One file of a batch, and the result of rendering it."""

from __future__ import annotations

import enum
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vst.errors import CutShort, Interrupted, VstError

if TYPE_CHECKING:
    from vst.pipeline import Progress, Report

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BatchFile:
    """One file to render.

    Attributes:
        name: Path of the output relative to the output folder, with forward slashes; unique in a batch.
        source: The file to read.
        output: The file to write.
        is_picture: Whether the output is a picture, to which options for video do not apply.
        own_settings: Fields of the settings with the values of its sidecar.
    """

    name: str
    source: Path
    output: Path
    is_picture: bool = False
    own_settings: tuple[tuple[str, Any], ...] = ()


class FileState(enum.StrEnum):
    """The state of a file at the end of a batch."""

    DONE = "done"
    """Rendered by this batch."""
    SKIPPED = "skipped"
    """Rendered by an earlier batch, and up to date."""
    FAILED = "failed"
    """Not rendered; the message contains the reason."""
    STOPPED = "stopped"
    """Not finished, or not started, because the user stopped the batch."""


@dataclass(frozen=True, slots=True)
class FileResult:
    """The result of one file.

    Attributes:
        file: The file.
        state: Its state at the end.
        frames: Number of frames rendered.
        seconds: Wall time.
        message: Why it failed or was skipped, in one line.
        notes: The render's notes on its output.
        incomplete: The output of a clip that could not be read to its end.
    """

    file: BatchFile
    state: FileState
    frames: int = 0
    seconds: float = 0.0
    message: str = ""
    notes: tuple[str, ...] = ()
    incomplete: Path | None = None


RenderFile = Callable[[BatchFile, Callable[["Progress"], None], threading.Event], "Report"]
"""Renders one file: takes the file, a callback for progress, and the event that stops it."""


def render_safely(
    file: BatchFile, render_file: RenderFile, progress: Callable[[Progress], None], stop: threading.Event
) -> FileResult:
    """Render one file; every error becomes a result."""
    try:
        report = render_file(file, progress, stop)
    except Interrupted:
        return FileResult(file, FileState.STOPPED)
    except VstError as error:
        incomplete = error.kept if isinstance(error, CutShort) else None
        return FileResult(file, FileState.FAILED, message=one_line(error), incomplete=incomplete)
    except Exception as error:  # one file must not end the batch, whatever is wrong with it
        _log.debug("%s", file.source, exc_info=True)
        message = f"internal error ({type(error).__name__}: {one_line(error)})"
        return FileResult(file, FileState.FAILED, message=message)
    return FileResult(file, FileState.DONE, report.frames, report.seconds, notes=report.notes)


def one_line(text: object) -> str:
    """An error or a path as text without line breaks."""
    return " ".join(str(text).split())
