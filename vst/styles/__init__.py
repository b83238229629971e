"""Styles: the catalogue, descriptions of weight files, blends."""

from __future__ import annotations

from vst.styles.blend import Blend, parse_blend
from vst.styles.catalog import Catalogue, Style, load_catalogue
from vst.styles.catalog_file import record_style
from vst.styles.resolve import ResolvedStyle, resolve_blend, resolve_style
from vst.styles.selection import Selection
from vst.styles.weights_file import WeightsInfo, read_info

__all__ = [
    "Blend",
    "Catalogue",
    "ResolvedStyle",
    "Selection",
    "Style",
    "WeightsInfo",
    "load_catalogue",
    "parse_blend",
    "read_info",
    "record_style",
    "resolve_blend",
    "resolve_style",
]
