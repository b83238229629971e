"""Flow between neighbouring frames of a shot, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from torch import Tensor

from vst.frame import Frame
from vst.motion.estimator import Estimator


@dataclass(frozen=True, slots=True)
class FlowPair:
    """Flow between a frame and the one before it.

    Attributes:
        backward: 2×H×W, pixels, x then y, from the frame to the one before, on the frame's grid.
        forward: 2×H×W, from the one before to the frame, on the grid of the one before.
    """

    backward: Tensor
    forward: Tensor


@dataclass(frozen=True, slots=True)
class Paired:
    """A frame with the flow to the one before.

    Attributes:
        frame: The frame.
        new_shot: Whether a shot begins here.
        pair: None where a shot begins.
    """

    frame: Frame
    new_shot: bool
    pair: FlowPair | None


def estimate_pairs(frames: Iterable[tuple[Frame, bool]], estimator: Estimator) -> Iterator[Paired]:
    """Estimate the flow between neighbouring frames; none across a cut.

    Args:
        frames: What ``shots`` yields.
        estimator: From ``create_estimator``.

    Yields:
        One ``Paired`` per frame, in order.
    """
    tracker = PairTracker(estimator)
    for frame, new_shot in frames:
        if new_shot:
            tracker.clear()
        yield Paired(frame, new_shot, tracker.advance(frame.image))


class PairTracker:
    """`estimate_pairs` for one shot, frame by frame, with snapshots.

    Args:
        estimator: From ``create_estimator``.
    """

    def __init__(self, estimator: Estimator) -> None:
        self._estimator = estimator
        self._earlier: Tensor | None = None

    def clear(self) -> None:
        """Forget the frame before: a shot begins."""
        self._earlier = None

    def snapshot(self) -> tuple[Tensor, ...]:
        """The exact state; its tensors are never changed in place."""
        return () if self._earlier is None else (self._earlier,)

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Take up what `snapshot` returned."""
        self._earlier = state[0] if state else None

    def advance(self, image: Tensor) -> FlowPair | None:
        """Flow between the next frame, 3×H×W, 0..1, and the one before; None for the first of a shot."""
        current, earlier = self._estimator.prepare(image), self._earlier
        self._earlier = current
        if earlier is None:
            return None
        backward, forward = self._estimator.estimate_pair(current, earlier)
        return FlowPair(backward.to(image.device), forward.to(image.device))
