"""The pipeline: decode, motion, stylize, encode, overlapping, with bounded memory.

Names are loaded when they are first used, so that the table of render options costs no import of torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vst.lazy import attribute

if TYPE_CHECKING:
    from vst.pipeline.comparison import CompareReport, CompareSettings, compare
    from vst.pipeline.flow_export import FlowReport, FlowSettings, follow_motion
    from vst.pipeline.job import render
    from vst.pipeline.onnx_export import ExportReport, ExportSettings, export_onnx
    from vst.pipeline.report import Report
    from vst.pipeline.settings import RenderSettings
    from vst.pipeline.still import stylize
    from vst.progress import Progress

_MODULES = {
    "CompareReport": "vst.pipeline.comparison",
    "CompareSettings": "vst.pipeline.comparison",
    "ExportReport": "vst.pipeline.onnx_export",
    "ExportSettings": "vst.pipeline.onnx_export",
    "FlowReport": "vst.pipeline.flow_export",
    "FlowSettings": "vst.pipeline.flow_export",
    "Progress": "vst.progress",
    "RenderSettings": "vst.pipeline.settings",
    "Report": "vst.pipeline.report",
    "compare": "vst.pipeline.comparison",
    "export_onnx": "vst.pipeline.onnx_export",
    "follow_motion": "vst.pipeline.flow_export",
    "render": "vst.pipeline.job",
    "stylize": "vst.pipeline.still",
}

__all__ = [
    "CompareReport",
    "CompareSettings",
    "ExportReport",
    "ExportSettings",
    "FlowReport",
    "FlowSettings",
    "Progress",
    "RenderSettings",
    "Report",
    "compare",
    "export_onnx",
    "follow_motion",
    "render",
    "stylize",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'vst.pipeline' has no attribute {name!r}")
    return attribute(_MODULES[name], name)
