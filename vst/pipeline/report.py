"""`Report`: what a render did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vst.pipeline.settings import RenderSettings


@dataclass(frozen=True)
class Report:
    """What a render did.

    Attributes:
        source: The clip.
        output: The file written.
        frames: Number of frames, in and out.
        shots: Number of shots.
        seconds: Wall time.
        notes: What was converted, repaired or left out; one line each.
        settings: The settings of the render.
        resumed: Number of frames that an earlier run had finished.
    """

    source: Path
    output: Path
    frames: int
    shots: int
    seconds: float
    notes: tuple[str, ...]
    settings: RenderSettings
    resumed: int = 0
