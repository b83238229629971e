"""Finishing: what happens to a painting before it is written."""

from __future__ import annotations

from vst.look.finish import Look, keep_color

__all__ = ["Look", "keep_color"]
