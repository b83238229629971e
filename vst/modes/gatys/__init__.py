"""gatys: the pixels of each picture are optimised until their features fit (Gatys 2015, 2016)."""

from __future__ import annotations

from vst.modes.registry import ModeEntry

MODE = ModeEntry(
    name="gatys",
    description="optimises the pixels: any picture is a style, minutes a frame; for stills and keyframes",
    network="",
    stylizer="vst.modes.gatys.stylizer:GatysStylizer",
    temporal=True,
)
