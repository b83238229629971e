"""The pipeline: decode, motion, paint, encode, overlapping, with bounded memory."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from vst.progress import Progress
from vst.render.comparison import CompareReport, CompareSettings, compare
from vst.render.flow import FlowReport, FlowSettings, follow_motion
from vst.render.job import Report, render
from vst.render.paths import output_path
from vst.render.settings import RenderSettings
from vst.render.still import stylize

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


class _Room(ModuleType):
    """`vst.render` is the room and the function: importing the room binds the name to it for good, so the
    room can be called."""

    def __call__(self, *arguments: Any, **options: Any) -> Report:
        return render(*arguments, **options)


sys.modules[__name__].__class__ = _Room
