"""Writing the report to a file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from vst.errors import MediaError
from vst.evaluate.report.page import render_page
from vst.evaluate.result import Evaluation
from vst.files import check_replaceable, hidden_name


def check_report(path: Path, inputs: Iterable[Path], overwrite: bool) -> None:
    """Check that a report can be written, before any work is done.

    Args:
        path: Of the report.
        inputs: Files that it must not replace.
        overwrite: Whether another file may be replaced.

    Raises:
        MediaError: It exists already, is one of the inputs, or its folder cannot be written to.
    """
    check_replaceable(path)
    if not path.parent.is_dir():
        raise MediaError(f"the folder {path.parent} does not exist: create it first, or choose another")
    if any(path.exists() and each.exists() and path.samefile(each) for each in inputs):
        raise MediaError(f"{path} is one of the inputs: choose another name for the report")
    if path.exists() and not overwrite:
        raise MediaError(f"{path} exists already: pass -y to overwrite it, or choose another name")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise MediaError(f"the folder {path.parent} cannot be written to: choose another")


def write_report(found: Evaluation, path: Path) -> None:
    """Write the page; an incomplete page never has the final name.

    Raises:
        MediaError: It cannot be written, or a measured file was removed.
    """
    text = render_page(found)
    part = path.with_name(hidden_name(path.name, ".vst-part"))
    try:
        part.write_text(text, "utf-8", errors="backslashreplace")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise MediaError(f"{path} cannot be written: {error.strerror or error}") from error
