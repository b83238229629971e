"""mrf: patches of the picture's features become patches of the painting's (Li & Wand 2016)."""

from __future__ import annotations

from vst.modes.registry import ModeEntry

MODE = ModeEntry(
    name="mrf",
    description="optimises the pixels by patches of the painting: its shapes stay whole; any picture is a "
    "style, minutes a frame",
    network="",
    stylizer="vst.modes.mrf.stylizer:MrfStylizer",
    temporal=True,
)
