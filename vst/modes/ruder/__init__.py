"""ruder: whole shots are optimised, in passes forwards and backwards (Ruder, Dosovitskiy & Brox 2016)."""

from __future__ import annotations

from vst.modes.registry import ModeEntry

MODE = ModeEntry(
    name="ruder",
    description="optimises the pixels of whole shots, in passes forwards and backwards: the reference for "
    "stability; minutes a frame",
    network="",
    stylizer="vst.modes.ruder.stylizer:RuderStylizer",
    temporal=True,
    whole_shot=True,
)
