"""Baselines: what every temporal mode has to beat, and what interpolation alone costs.

Each takes the per-frame stylization of a frame and the motion to the previous frame (None where a shot
begins), and gives its own output. *Blend* has a low temporal error because it blurs. *Paste* has almost
none under the flow that it was warped by, while it drifts and smears. A temporal mode has to beat both.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from vst.frame import Motion
from vst.motion.warping import inside, warp


class Baseline(Protocol):
    """Makes outputs from per-frame stylizations and motion alone."""

    name: str

    def step(self, stylized: Tensor, motion: Motion | None) -> Tensor:
        """The next frame.

        Args:
            stylized: 3×H×W, the per-frame stylization of this frame.
            motion: How this frame relates to the previous one; None if it begins a shot.

        Returns:
            3×H×W, 0..1.
        """
        ...


class BlendBaseline:
    """Where trusted, ``amount`` of the warped previous output and the rest of the per-frame stylization.

    Warps by Lanczos, as a render does: both resample their own output at every frame.

    Args:
        amount: Weight of the warped previous output, 0..1.

    Raises:
        ValueError: The amount is outside 0..1.
    """

    def __init__(self, amount: float = 0.5) -> None:
        if not 0 <= amount <= 1:
            raise ValueError(f"amount is {amount}; expected 0..1")
        self.name = "blend" if amount < 1 else "paste"
        self._amount = amount
        self._previous: Tensor | None = None

    def step(self, stylized: Tensor, motion: Motion | None) -> Tensor:
        """See ``Baseline.step``."""
        out = stylized
        if motion is not None and self._previous is not None:
            warped = warp(self._previous, motion.flow, mode="bicubic").clamp(0, 1)
            out = stylized + self._amount * motion.mask * (warped - stylized)
        self._previous = out
        return out


class PasteBaseline(BlendBaseline):
    """The warped previous output wherever trusted, the per-frame stylization elsewhere."""

    def __init__(self) -> None:
        super().__init__(1.0)


class StillBaseline:
    """One stylized frame warped along backward flow: what interpolation alone costs.

    The stylized frame is warped in a single step along the summed flow to each of the frames after it, so
    that its only errors are those of the interpolation. After ``every`` frames a new one is taken, before
    too much of the old one has left the picture.

    Args:
        every: Frames between two stylized frames, 2 or more.

    Raises:
        ValueError: ``every`` is below 2.
    """

    name = "still"

    def __init__(self, every: int = 10) -> None:
        if every < 2:
            raise ValueError(f"every is {every} frames; expected 2 or more")
        self._every = every
        self._image: Tensor | None = None
        self._path: Tensor | None = None
        self._age = 0

    def step(self, stylized: Tensor, motion: Motion | None) -> tuple[Tensor, Motion | None]:
        """The next frame, and the motion to measure it with.

        Args:
            stylized: 3×H×W, the per-frame stylization of this frame.
            motion: How this frame relates to the previous one; None if it begins a shot.

        Returns:
            (3×H×W, motion): the motion's mask is 0 also where the warped image does not reach; it is None
            where a new image was taken, which must not be compared with the one before.
        """
        if motion is None or self._image is None or self._path is None or self._age + 1 >= self._every:
            self._image, self._path, self._age = stylized, torch.zeros_like(stylized[:2]), 0
            return stylized, None
        self._path = motion.flow + warp(self._path, motion.flow, mode="bilinear")
        self._age += 1
        reached = inside(self._path).to(motion.mask.dtype)
        masked = Motion(motion.flow, motion.mask * reached, motion.distance)
        return warp(self._image, self._path).clamp(0, 1), masked


class ForwardStillBaseline:
    """``StillBaseline`` where only forward flow is known: warps each frame back to the two frames before.

    Its output at frame t belongs to frames t−2 and t−1.
    """

    def __init__(self) -> None:
        self._last: Motion | None = None

    def step(self, stylized: Tensor, motion: Motion | None) -> tuple[Tensor, Tensor, Motion] | None:
        """The next frame.

        Args:
            stylized: 3×H×W, of frame t.
            motion: From frame t−1 to t, on the grid of t−1; None where it is not known or a shot begins.

        Returns:
            (image at t−2, image at t−1, motion between them to measure them with); None where one of the
            two motions is missing.
        """
        last, self._last = self._last, motion
        if last is None or motion is None:
            return None
        path = last.flow + warp(motion.flow, last.flow, mode="bilinear")
        known = path.isfinite().all(dim=0, keepdim=True)
        reached = (inside(path) & known).to(last.mask.dtype)
        earlier, later = (warp(stylized, flow).clamp(0, 1) for flow in (path, motion.flow))
        return earlier, later, Motion(last.flow, last.mask * reached, last.distance)
