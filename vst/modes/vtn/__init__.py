"""vtn: the video transformation network, conditioned on earlier stylized frames."""

from __future__ import annotations

from vst.modes.registry import ModeEntry

MODE = ModeEntry(
    name="vtn",
    description="video: conditioned on earlier stylized frames, warped by optical flow (the default)",
    network="vst.modes.vtn.network:VTN",
    stylizer="vst.modes.vtn.stylizer:VtnStylizer",
    temporal=True,
    recipe="vst.modes.vtn.config:VtnRecipe",
    training="vst.modes.vtn.training:VtnStep",
)
