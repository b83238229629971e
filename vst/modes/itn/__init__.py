"""itn: the feed-forward image transformation network, frame by frame."""

from __future__ import annotations

from vst.modes.registry import ModeEntry

MODE = ModeEntry(
    name="itn",
    description="each frame by itself: fast, flickers; for stills",
    network="vst.modes.itn.network:ITN",
    stylizer="vst.modes.frame_stylizer:FrameStylizer",
    temporal=False,
    recipe="vst.modes.itn.config:ItnRecipe",
    training="vst.modes.itn.training:ItnStep",
)
