"""What `vst texture` and `vst reconstruct` say when they are done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vst.cli.console import Console
from vst.cli.progress import clock

if TYPE_CHECKING:
    from vst.pipeline.synthesis import SynthesisReport


def show_report(console: Console, report: SynthesisReport) -> None:
    """Show what was made, and the notes that the start did not show."""
    what = "" if report.frames == 1 else f"{report.frames} frames of "
    console.result(
        f"{report.output}: {what}{report.width}×{report.height} after {report.steps} steps, in "
        f"{clock(report.seconds)}"
    )
    console.event(
        "done",
        output=str(report.output),
        frames=report.frames,
        width=report.width,
        height=report.height,
        steps=report.steps,
        seconds=round(report.seconds, 3),
    )
