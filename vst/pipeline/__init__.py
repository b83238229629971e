"""The pipeline: decode, motion, paint, encode, overlapping, with bounded memory."""

from __future__ import annotations

from vst.pipeline.comparison import CompareReport, CompareSettings, compare
from vst.pipeline.flow_export import FlowReport, FlowSettings, follow_motion
from vst.pipeline.job import Report, render
from vst.pipeline.output_path import output_path
from vst.pipeline.settings import RenderSettings
from vst.pipeline.still import stylize
from vst.progress import Progress

__all__ = [
    "CompareReport",
    "CompareSettings",
    "FlowReport",
    "FlowSettings",
    "Progress",
    "RenderSettings",
    "Report",
    "compare",
    "follow_motion",
    "output_path",
    "render",
    "stylize",
]
