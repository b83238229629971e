"""Whether things come back in the colours in which they went."""

from __future__ import annotations

import math
from collections import deque

import torch
from torch import Tensor

from vst.motion.warping import warp


def reappearance_error(before: Tensor, after: Tensor, flow: Tensor, region: Tensor) -> float:
    """(1 / (3 |R|)) Σ over R of (O_t − W(O_s))²: E between a region's colours before and after.

    Args:
        before: O_s, 3×H×W, 0..1, the last painting before the region was hidden.
        after: O_t, 3×H×W, 0..1, the first painting in which it is seen again.
        flow: 2×H×W, pixels, backward: pixel p of t was at p + flow(p) in s.
        region: 1×H×W, 1 where t shows what was hidden between.

    Returns:
        The error by pixel of the region; not a number if it is empty.
    """
    size = float(region.double().sum()) * after.shape[0]
    if size == 0:
        return float("nan")
    squares = region.float() * (after.float() - warp(before.float(), flow)).square()
    return float(squares.double().sum()) / size


class Reappearance:
    """The mean of ``reappearance_error`` over a clip, by pixel of all regions; keeps gap + 2 paintings.

    Args:
        gap: For how many frames the regions are hidden.
    """

    def __init__(self, gap: int) -> None:
        if gap < 1:
            raise ValueError(f"a gap of {gap} frames; expected at least 1")
        self._gap = gap
        self._outputs: deque[Tensor] = deque(maxlen=gap + 2)
        self._squares: list[float] = []
        self._pixels = 0.0

    def step(self, output: Tensor, flow: Tensor | None, region: Tensor | None) -> float:
        """The next painting.

        Args:
            output: 3×H×W, 0..1.
            flow: 2×H×W to the frame gap + 1 earlier; None if there is none.
            region: 1×H×W, what is seen again in this frame, and was in that one; None for nothing.

        Returns:
            The error of this frame's region; not a number if there is none.
        """
        self._outputs.append(output)
        if flow is None or region is None or len(self._outputs) < self._gap + 2:
            return float("nan")
        error = reappearance_error(self._outputs[0], output, flow, region)
        if not math.isnan(error):
            pixels = float(region.sum(dtype=torch.float64))
            self._squares.append(error * pixels)
            self._pixels += pixels
        return error

    @property
    def pixels(self) -> int:
        """How many pixels came back so far."""
        return round(self._pixels)

    @property
    def error(self) -> float:
        """Mean over all pixels that came back so far; not a number if none did."""
        return math.fsum(self._squares) / self._pixels if self._pixels else float("nan")
