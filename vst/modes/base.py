"""What every mode can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from vst.frame import Frame, Motion
from vst.modes.memory import Need


class Mode(Protocol):
    """Turns frames into stylised frames, in order, with whatever memory it needs."""

    distances: tuple[int, ...]
    """Which earlier frames motion is wanted to; () for none."""

    def reset(self) -> None:
        """A new shot begins: forget everything."""
        ...

    def step(self, frame: Frame, motions: Mapping[int, Motion]) -> Tensor:
        """Paint the next frame of the shot.

        Args:
            frame: The frame.
            motions: By distance; those of `distances` that there are.

        Returns:
            3×H×W, RGB, 0..1, fp32, on the CPU.
        """
        ...

    def snapshot(self) -> Any:
        """The state, exactly, as something that later steps do not change."""
        ...

    def restore(self, state: Any) -> None:
        """Take up a state that `snapshot` gave."""
        ...


@runtime_checkable
class StatelessMode(Mode, Protocol):
    """A mode that paints each frame for itself, so several at once."""

    def step_batch(self, frames: Sequence[Frame]) -> list[Tensor]:
        """Paint frames of one size; each as `step` would, up to rounding."""
        ...


@runtime_checkable
class PredictableMode(Mode, Protocol):
    """A mode that can say beforehand how much memory it takes."""

    def need(self, width: int, height: int) -> Need:
        """What frames of this size, in pixels, take."""
        ...
