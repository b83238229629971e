"""What every temporal mode has to beat, and what a perfect one would reach.

Each takes the per-frame painting of a frame and the motion to the previous frame (None where a shot
begins), and gives its own painting. *Blend* has a low temporal error because it blurs; *paste* has next to
none where judged by the flow that moved it, while it drifts and smears. A mode that does not beat both at
once has only found one of these.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from vst.frame import Motion
from vst.motion.warping import inside, warp


class Baseline(Protocol):
    """Paints from per-frame paintings and motion alone."""

    name: str

    def step(self, painting: Tensor, motion: Motion | None) -> Tensor:
        """The next frame.

        Args:
            painting: 3×H×W, the per-frame mode's output for this frame.
            motion: How this frame relates to the previous one; None if it begins a shot.

        Returns:
            3×H×W, 0..1.
        """
        ...


class Blend:
    """Where trusted, ``amount`` of the warped previous output and the rest of the per-frame painting.

    Warped by Lanczos, as a render's past: both live on what they have painted before.
    """

    def __init__(self, amount: float = 0.5) -> None:
        if not 0 <= amount <= 1:
            raise ValueError(f"cannot blend by {amount}; expected 0..1")
        self.name = "blend" if amount < 1 else "paste"
        self._amount = amount
        self._previous: Tensor | None = None

    def step(self, painting: Tensor, motion: Motion | None) -> Tensor:
        """See ``Baseline.step``."""
        out = painting
        if motion is not None and self._previous is not None:
            warped = warp(self._previous, motion.flow, mode="lanczos").clamp(0, 1)
            out = painting + self._amount * motion.mask * (warped - painting)
        self._previous = out
        return out


class Paste(Blend):
    """The warped previous output wherever trusted, the per-frame painting elsewhere."""

    def __init__(self) -> None:
        super().__init__(1.0)


class Still:
    """One painting carried along by backward flow: what interpolation alone costs.

    The painting of one frame, warped in a single step along the summed flow to each of the frames after
    it, so that its only errors are those of the interpolation. After ``every`` frames it begins anew,
    before too much of it has left the picture.
    """

    name = "still"

    def __init__(self, every: int = 10) -> None:
        if every < 2:
            raise ValueError(f"a still painting is to be taken every {every} frames; expected 2 or more")
        self._every = every
        self._painting: Tensor | None = None
        self._path: Tensor | None = None
        self._age = 0

    def step(self, painting: Tensor, motion: Motion | None) -> tuple[Tensor, Motion | None]:
        """The next frame, and the motion by which to judge it.

        Args:
            painting: 3×H×W, the per-frame mode's output for this frame.
            motion: How this frame relates to the previous one; None if it begins a shot.

        Returns:
            (3×H×W, motion): the motion's mask is 0 also where the still painting does not reach; it is None
            where a new painting was taken, which is not to be judged against the one before.
        """
        if motion is None or self._painting is None or self._path is None or self._age + 1 >= self._every:
            self._painting, self._path, self._age = painting, torch.zeros_like(painting[:2]), 0
            return painting, None
        self._path = motion.flow + warp(self._path, motion.flow, mode="bilinear")
        self._age += 1
        reached = inside(self._path).to(motion.mask.dtype)
        judged = Motion(motion.flow, motion.mask * reached, motion.distance)
        return warp(self._painting, self._path).clamp(0, 1), judged


class StillBehind:
    """``Still`` where only forward flow is known: each painting is carried back to the two frames before.

    What it gives at frame t is of frames t−2 and t−1.
    """

    def __init__(self) -> None:
        self._last: Motion | None = None

    def step(self, painting: Tensor, motion: Motion | None) -> tuple[Tensor, Tensor, Motion] | None:
        """The next frame.

        Args:
            painting: 3×H×W, of frame t.
            motion: From frame t−1 to t, on the grid of t−1; None where it is not known or a shot begins.

        Returns:
            (painting at t−2, painting at t−1, motion between them by which to judge them); None where one
            of the two motions is missing.
        """
        last, self._last = self._last, motion
        if last is None or motion is None:
            return None
        path = last.flow + warp(motion.flow, last.flow, mode="bilinear")
        known = path.isfinite().all(dim=0, keepdim=True)
        reached = (inside(path) & known).to(last.mask.dtype)
        earlier, later = (warp(painting, flow).clamp(0, 1) for flow in (path, motion.flow))
        return earlier, later, Motion(last.flow, last.mask * reached, last.distance)
