"""The motion stage with everything that was estimated for it, for those who keep it."""

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
    """A frame's motions and the flow that they were made of.

    Attributes:
        tracked: What ``track`` gives for this frame.
        pairs: By distance, as ``tracked.motions``: (backward flow current -> earlier, forward flow
            earlier -> current), each 2×h×w at the size at which it was estimated.
    """

    tracked: Tracked
    pairs: Mapping[int, tuple[Tensor, Tensor]]


def analyse(
    frames: Iterable[tuple[Frame, bool]], estimator: Estimator, distances: Sequence[int] = DISTANCES
) -> Iterator[Analysed]:
    """``track``, with both directions of every flow.

    Args:
        frames: What ``shots`` yields.
        estimator: From ``create_estimator``.
        distances: Which earlier frames are wanted.

    Yields:
        One ``Analysed`` per frame, in order.

    Raises:
        ValueError: As ``track``.
    """
    listening = _Listening(estimator)
    for tracked in track(frames, listening, distances):
        # One pair a motion, in the same order.
        yield Analysed(tracked, dict(zip(tracked.motions, listening.take(), strict=True)))


class _Listening(Estimator):
    """An estimator that remembers what it answered."""

    def __init__(self, estimator: Estimator) -> None:
        self.name = estimator.name
        self._estimator = estimator
        self._pairs: list[tuple[Tensor, Tensor]] = []

    def take(self) -> list[tuple[Tensor, Tensor]]:
        """The pairs since the last time."""
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
