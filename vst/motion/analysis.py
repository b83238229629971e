"""The motion stage together with the raw estimates, for flow files and reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from vst.distances import DISTANCES
from vst.frame import Frame
from vst.motion.estimator import Estimator
from vst.motion.tracking import Tracked, track


@dataclass(frozen=True, slots=True)
class Analysed:
    """A frame's motions and the flow that they were computed from.

    Attributes:
        tracked: What ``track`` yields for this frame.
        pairs: By distance, as ``tracked.motions``: (backward flow current -> earlier, forward flow
            earlier -> current), each 2×h×w at the size at which it was estimated.
    """

    tracked: Tracked
    pairs: Mapping[int, tuple[Tensor, Tensor]]


def analyse(
    frames: Iterable[tuple[Frame, bool]], estimator: Estimator, distances: Sequence[int] = DISTANCES
) -> Iterator[Analysed]:
    """``track``, with both directions of every estimated flow.

    Args:
        frames: What ``shots`` yields.
        estimator: From ``create_estimator``.
        distances: Distances in frames at which motion is estimated.

    Yields:
        One ``Analysed`` per frame, in order.

    Raises:
        ValueError: As ``track``.
    """
    keeping = _PairKeepingEstimator(estimator)
    for tracked in track(frames, keeping, distances):
        # One pair for each motion, in the same order.
        yield Analysed(tracked, dict(zip(tracked.motions, keeping.take(), strict=True)))


class _PairKeepingEstimator(Estimator):
    """Keeps the pairs of flow that another estimator returns."""

    def __init__(self, estimator: Estimator) -> None:
        self.name = estimator.name
        self._estimator = estimator
        self._pairs: list[tuple[Tensor, Tensor]] = []

    def take(self) -> list[tuple[Tensor, Tensor]]:
        """The pairs since the last call."""
        pairs, self._pairs = self._pairs, []
        return pairs

    def prepare(self, image: Tensor) -> Tensor:
        return self._estimator.prepare(image)

    def estimate(self, a: Tensor, b: Tensor) -> Tensor:
        return self._estimator.estimate(a, b)

    def estimate_pair(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        pair = self._estimator.estimate_pair(a, b)
        self._pairs.append(pair)
        return pair
