"""Whether regions come back with the same colours, on a scene that knows what it hides."""

from __future__ import annotations

import math
from collections import deque

import torch
from torch import Tensor

from vst.evaluate.metrics.reappearance import reappearance_error


class SceneReappearance:
    """The mean of ``reappearance_error`` over a clip, per pixel of all regions; keeps gap + 2 outputs.

    Args:
        gap: Number of frames for which regions are hidden, 1 or more.

    Raises:
        ValueError: The gap is below 1.
    """

    def __init__(self, gap: int) -> None:
        if gap < 1:
            raise ValueError(f"gap is {gap} frames; expected at least 1")
        self._gap = gap
        self._outputs: deque[Tensor] = deque(maxlen=gap + 2)
        self._squares: list[float] = []
        self._pixels = 0.0

    def step(self, output: Tensor, flow: Tensor | None, region: Tensor | None) -> float:
        """Measure the next frame.

        Args:
            output: 3×H×W, 0..1.
            flow: 2×H×W to the frame gap + 1 earlier; None if there is none.
            region: 1×H×W, 1 where this frame and that one show what the frames between hide; None for
                nothing.

        Returns:
            The error of this frame's region; not a number if there is none.
        """
        self._outputs.append(output)
        if flow is None or region is None or len(self._outputs) < self._gap + 2:
            return math.nan
        error = reappearance_error(self._outputs[0], output, flow, region)
        if not math.isnan(error):
            pixels = float(region.sum(dtype=torch.float64))
            self._squares.append(error * pixels)
            self._pixels += pixels
        return error

    @property
    def pixels(self) -> int:
        """Number of pixels that reappeared so far."""
        return round(self._pixels)

    @property
    def error(self) -> float:
        """Mean over all pixels that reappeared so far; not a number if none did."""
        return math.fsum(self._squares) / self._pixels if self._pixels else math.nan
