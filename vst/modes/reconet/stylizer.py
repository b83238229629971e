"""reconet: every frame by itself, by a network that was trained on video."""

from __future__ import annotations

from vst.modes.frame_stylizer import FrameStylizer


class ReconetStylizer(FrameStylizer):
    """ReCoNet needs no past: its training makes it stable."""
