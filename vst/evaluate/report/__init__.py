"""An evaluation as one self-contained page."""

from __future__ import annotations

from vst.evaluate.report.page import check_report, write_report

__all__ = ["check_report", "write_report"]
