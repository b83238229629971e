"""Stylizers for tests that need none of ours."""

from __future__ import annotations

from torch import Tensor

from vst.frame import Frame, Past
from vst.modes.tiling import MemoryEstimate


class Copy:
    """Returns every frame as it is, and keeps the shapes of what it was given.

    Attributes:
        seen: Shapes of the frames.
        pasts: Shapes of the pasts.
    """

    every_frame = False
    whole_shot = False

    def __init__(self, conditioned: bool = False) -> None:
        self.conditioned = conditioned
        self.seen: list[tuple[int, ...]] = []
        self.pasts: list[tuple[int, ...]] = []

    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        self.seen.append(tuple(frame.image.shape))
        if past is not None:
            self.pasts.append(tuple(past.image.shape))
        return self.output(frame) * 2 - 1

    def output(self, frame: Frame) -> Tensor:
        """The stylized frame, 0..1."""
        return frame.image.clamp(0, 1)

    def reset(self) -> None:
        pass

    def snapshot(self) -> tuple[Tensor, ...]:
        return ()

    def restore(self, state: tuple[Tensor, ...]) -> None:
        pass

    def memory(self, width: int, height: int) -> MemoryEstimate:
        return MemoryEstimate(0, 0, 0, None)
