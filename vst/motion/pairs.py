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
    earlier: Tensor | None = None
    for frame, new_shot in frames:
        current = estimator.prepare(frame.image)
        pair = None
        if earlier is not None and not new_shot:
            backward, forward = estimator.estimate_pair(current, earlier)
            pair = FlowPair(backward.to(frame.image.device), forward.to(frame.image.device))
        earlier = current
        yield Paired(frame, new_shot, pair)
