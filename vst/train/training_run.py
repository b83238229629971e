"""Where and how a recipe is trained, whatever it trains."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """A run of a recipe: the same folder again continues from its checkpoint.

    Attributes:
        folder: Where checkpoint, log, samples and the finished weights with their card go.
        device: cpu or cuda[:n].
        minutes: Stop after so long, with a checkpoint and exported weights.
        workers: Processes that make batches; None is one for a CPU, and for a GPU a core each.
        say: Takes a line of progress.
        stop: Set it to stop after the present step, with a checkpoint.
    """

    folder: Path
    device: str = "cpu"
    minutes: float = math.inf
    workers: int | None = None
    say: Callable[[str], None] = print
    stop: threading.Event | None = None
