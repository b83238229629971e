"""The pipeline: decode, motion, paint, encode, overlapping, with bounded memory."""

from __future__ import annotations

from vst.render.job import Report, render
from vst.render.paths import output_path
from vst.render.pipeline import Progress
from vst.render.settings import RenderSettings
from vst.render.still import stylize

__all__ = ["Progress", "RenderSettings", "Report", "output_path", "render", "stylize"]
