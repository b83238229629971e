"""What `vst render` and `vst join` say when an output is finished."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vst.cli.console import Console

if TYPE_CHECKING:
    from vst.pipeline import Report


def show_report(
    console: Console, report: Report, line: str, shown: Sequence[str] = (), **more: object
) -> None:
    """Show the result, the notes that were not shown before, and the event ``done``.

    Args:
        console: Where.
        report: What was done.
        line: The result in words.
        shown: Notes that were shown before.
        more: What else the event has.
    """
    console.result(line)
    for each in report.notes:
        if each not in shown:
            console.note(each)
    settings = report.settings
    console.event(
        "done",
        source=str(report.source),
        output=str(report.output),
        frames=report.frames,
        shots=report.shots,
        resumed=report.resumed,
        seconds=round(report.seconds, 3),
        style=str(settings.style or settings.style_per_shot),
        strength=str(settings.strength),
        colour=settings.chosen_colour,
        **more,
    )
