"""cyclegan: learned from a collection of paintings, frame by frame, with a temporal loss."""

from __future__ import annotations

from vst.modes.registry import ModeEntry

MODE = ModeEntry(
    name="cyclegan",
    description="each frame by itself, in the manner of a whole collection of paintings",
    network="vst.modes.cyclegan.network:CycleGenerator",
    stylizer="vst.modes.frame_stylizer:FrameStylizer",
    temporal=False,
    recipe="vst.modes.cyclegan.config:CycleganRecipe",
)
