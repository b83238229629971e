"""Progress: a bar on a terminal, lines elsewhere, JSON events for programs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from vst.cli.console import Console
from vst.cli.printable import printable
from vst.progress import PREROLL, Progress, StepProgress

LINE_SECONDS = 10.0
"""Seconds between two lines of progress without a terminal."""

EVENT_SECONDS = 0.5
"""Seconds between two JSON events of progress."""

_SHOWN = ("content", "style", "temporal")
"""Losses that a line of progress has; JSON has all."""

Show = Callable[[Progress], None]


@contextlib.contextmanager
def show_progress(console: Console, title: str) -> Iterator[Show]:
    """A callback that shows the progress of one render.

    Args:
        console: Where to show it.
        title: Text in front of the bar.
    """
    with contextlib.ExitStack() as stack:
        shows: list[Show] = []
        if console.json:
            shows.append(_events(console))
        if not console.quiet:
            if console.on_terminal:
                shows.append(stack.enter_context(_bar(console, title)))
            else:
                shows.append(_lines(console))

        def show(progress: Progress) -> None:
            for each in shows:
                each(progress)

        yield show


def in_words(progress: Progress) -> str:
    """``frame 120/480, 1.7 frames/s, 3:31 left, limited by stylize``."""
    parts = [f"frame {progress.frame}" + (f"/{progress.frames}" if progress.frames else "")]
    if progress.stage == PREROLL:
        return f"{parts[0]}, pre-roll from the start of its shot"
    if progress.step is not None:
        step = progress.step
        losses = ", ".join(f"{name} {step.losses[name]:.3g}" for name in _SHOWN if name in step.losses)
        left = "" if step.eta is None else f", {clock(step.eta)} left for the frame"
        part = f", {step.part}" if step.part else ""
        return f"{parts[0]}{part}, step {step.number}/{step.steps}, {losses}{left}"
    parts.append(f"{progress.fps:.2f} frames/s")
    if progress.eta is not None:
        parts.append(f"{clock(progress.eta)} left")
    if progress.stage:
        parts.append(f"limited by {progress.stage}")
    return ", ".join(parts)


def clock(seconds: float) -> str:
    """``3:31`` or ``1:03:31``."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class RateLimit:
    """True at most once in a number of seconds.

    Args:
        seconds: Shortest time between two calls that return True.
        at_once: Whether the first call returns True.
    """

    def __init__(self, seconds: float, at_once: bool) -> None:
        self._seconds = seconds
        self._last = -float("inf") if at_once else time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True


def _events(console: Console) -> Show:
    due = RateLimit(EVENT_SECONDS, at_once=True)

    def show(progress: Progress) -> None:
        if due():
            console.event(
                "progress",
                frame=progress.frame,
                frames=progress.frames,
                fps=round(progress.fps, 3),
                eta=None if progress.eta is None else round(progress.eta, 1),
                stage=progress.stage,
                **_step_values(progress.step),
            )

    return show


def _step_values(step: StepProgress | None) -> dict[str, Any]:
    if step is None:
        return {}
    losses = {name: float(f"{value:.4g}") for name, value in step.losses.items()}
    part = {"part": step.part} if step.part else {}
    return {"step": step.number, "steps": step.steps, "losses": losses, **part}


def _lines(console: Console) -> Show:
    due = RateLimit(LINE_SECONDS, at_once=False)

    def show(progress: Progress) -> None:
        if due():
            console.message(in_words(progress))

    return show


@contextlib.contextmanager
def _bar(console: Console, title: str) -> Iterator[Show]:
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[words]}"),
    )
    with Bars(*columns, console=console.stderr, transient=True) as bars:
        task = bars.add_task(printable(title), total=None, words="starting")

        def show(progress: Progress) -> None:
            bars.update(task, completed=progress.frame, total=progress.frames, words=in_words(progress))

        yield show
