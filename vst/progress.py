"""How far work on a clip is: what callbacks are told and the command line shows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

PREROLL = "pre-roll"
"""In place of a stage, while frames are stylized only because later ones depend on them."""


@dataclass(frozen=True)
class StepProgress:
    """How far the optimisation of one frame is.

    Attributes:
        number: Steps done.
        steps: Steps in all.
        losses: By name, each without its weight.
        eta: Seconds left for this frame, None while unknown.
        part: Which pass and frame of a shot it is, in words; "" where frames come one at a time.
    """

    number: int
    steps: int
    losses: Mapping[str, float]
    eta: float | None
    part: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a render is, or whatever else goes through a clip frame by frame.

    Attributes:
        frame: Frames done so far, those of an earlier run included.
        frames: Frames in all, as far as the container says.
        fps: Frames a second in this run.
        eta: Seconds left, None while unknown.
        stage: The stage that limits, of a render decode, motion, stylize or encode; or `PREROLL`.
        step: Of a frame whose pixels are being optimised.
    """

    frame: int
    frames: int | None
    fps: float
    eta: float | None
    stage: str
    step: StepProgress | None = None


def progress_now(count: int, total: int | None, began: float, stage: str, done: int = 0) -> Progress:
    """How far it is after `done` frames and `count` more since `began` of `time.monotonic`."""
    fps = count / max(time.monotonic() - began, 1e-6)
    eta = max(total - done - count, 0) / fps if total and fps else None
    return Progress(done + count, total, fps, eta, stage)
