"""An evaluation as one self-contained HTML page."""

from __future__ import annotations

from vst.evaluate.report.file import check_report, write_report

__all__ = ["check_report", "write_report"]
