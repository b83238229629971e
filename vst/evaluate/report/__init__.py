"""An evaluation as one self-contained HTML page."""

from __future__ import annotations

from vst.evaluate.report.file import write_report

__all__ = ["write_report"]
