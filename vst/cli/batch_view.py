"""The progress of a batch, and the table at its end."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vst.batch import BatchFile, FileResult, FileState, LeftOut, Watcher
from vst.batch.left_out import MAX_NAMED, summary_lines
from vst.cli.console import Console
from vst.cli.printable import printable
from vst.cli.progress import EVENT_SECONDS, LINE_SECONDS, RateLimit, clock, in_words
from vst.cli.tables import show_table

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from vst.pipeline import Progress


@contextlib.contextmanager
def show_batch(console: Console) -> Iterator[BatchView]:
    """Shows one batch: bars on a terminal, else a line for each file."""
    if console.quiet or not console.on_terminal:
        yield BatchView(console, None)
        return
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[words]}"),
    )
    with Bars(*columns, console=console.stderr, transient=True) as bars:
        yield BatchView(console, bars)


class BatchView(Watcher):
    """Shows the events of a batch."""

    def __init__(self, console: Console, bars: Bars | None) -> None:
        self._console = console
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._whole: TaskID | None = None
        self._left_out = 0
        self._number = 0
        self._total = 0
        self._line_due = RateLimit(LINE_SECONDS, at_once=False)
        self._event_due: dict[str, RateLimit] = {}

    def left_out(self, left_out: Sequence[LeftOut]) -> None:
        """Report what is not rendered: names with -v, else a few of each kind."""
        self._left_out = len(left_out)
        for each in left_out:
            self._console.event("left_out", file=each.name, reason=str(each.reason))
        for line in summary_lines(left_out, None if self._console.verbosity > 0 else MAX_NAMED):
            self._console.message(f"left out: {line}")

    def started(self, files: Sequence[BatchFile]) -> None:
        """Show the number of files."""
        self._total = len(files)
        if self._bars is not None:
            self._whole = self._bars.add_task("files", total=self._total, words=f"0/{self._total}")

    def noted(self, note: str) -> None:
        """Print a note on the batch."""
        self._console.note(note)

    def progressed(self, file: BatchFile, progress: Progress) -> None:
        """Update the file's bar, or print a line or an event if one is due."""
        if self._event_due.setdefault(file.name, RateLimit(EVENT_SECONDS, at_once=True))():
            self._console.event(
                "progress",
                file=file.name,
                frame=progress.frame,
                frames=progress.frames,
                fps=round(progress.fps, 3),
                eta=None if progress.eta is None else round(progress.eta, 1),
                stage=progress.stage,
            )
        if self._bars is None:
            if self._line_due():
                self._console.message(f"{file.name}: {in_words(progress)}")
            return
        if file.name not in self._tasks:
            self._tasks[file.name] = self._bars.add_task(printable(file.name), total=None, words="")
        self._bars.update(
            self._tasks[file.name],
            completed=progress.frame,
            total=progress.frames,
            words=in_words(progress),
        )

    def finished(self, result: FileResult) -> None:
        """Report the result of one file."""
        self._number += 1
        self._event_due.pop(result.file.name, None)
        self._console.event("file", **_row(result), notes=list(result.notes))
        if self._bars is not None and self._whole is not None:
            task = self._tasks.pop(result.file.name, None)
            if task is not None:
                self._bars.remove_task(task)
            self._bars.update(self._whole, completed=self._number, words=f"{self._number}/{self._total}")
        if self._console.verbosity > 0:
            for note in result.notes:
                self._console.message(f"{result.file.name}: note: {note}")
        if self._bars is None and result.state is not FileState.STOPPED:
            message = f": {result.message}" if result.message else ""
            self._console.message(
                f"{self._number}/{self._total} {result.file.name} {result.state}{message}"
            )

    def summary(self, results: Sequence[FileResult]) -> None:
        """Print the table of results."""
        counts = Counter(result.state for result in results)
        numbers = {str(state): counts[state] for state in FileState}
        self._console.event("done", **numbers, left_out=self._left_out)
        if self._console.json or self._console.quiet:
            return
        rows = []
        for result in results:
            row = _row(result)
            rendered = result.state is FileState.DONE
            row["frames"] = result.frames if rendered else None
            row["time"] = clock(result.seconds) if rendered else None
            rows.append(row)
        show_table(self._console, ("file", "frames", "time", "state", "message"), rows)
        if self._left_out:
            more = "" if self._console.verbosity > 0 else "; -v names them all"
            self._console.message(f"{self._left_out:,} other files and folders were left out{more}")


def _row(result: FileResult) -> dict[str, object]:
    return {
        "file": result.file.name,
        "source": str(result.file.source),
        "output": str(result.file.output),
        "state": str(result.state),
        "frames": result.frames,
        "seconds": round(result.seconds, 3),
        "message": result.message,
    }
