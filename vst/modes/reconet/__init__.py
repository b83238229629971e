"""reconet: a per-frame network that is trained on video to be stable."""

from __future__ import annotations

from vst.modes.registry import ModeEntry

MODE = ModeEntry(
    name="reconet",
    description="each frame by itself, trained on video to be stable",
    network="vst.modes.reconet.network:ReCoNet",
    stylizer="vst.modes.frame_stylizer:FrameStylizer",
    temporal=False,
    recipe="vst.modes.reconet.config:ReconetRecipe",
    training="vst.modes.reconet.training:ReconetStep",
)
