"""itn: every frame by itself."""

from __future__ import annotations

from vst.modes.frame_stylizer import FrameStylizer


class ItnStylizer(FrameStylizer):
    """The feed-forward image transformation network."""
