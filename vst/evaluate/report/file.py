"""Writing the report to a file."""

from __future__ import annotations

from pathlib import Path

from vst.evaluate.report.page import render_page
from vst.evaluate.result import Evaluation
from vst.files import write_whole


def write_report(found: Evaluation, path: Path) -> None:
    """Write the page; an incomplete page never has the final name.

    Raises:
        MediaError: It cannot be written, or a measured file was removed.
    """
    write_whole(path, render_page(found).encode("utf-8", "backslashreplace"))
