"""By whose motion paintings are judged: the exact one of a scene, or an estimator's.

Report the judge's name with every number: a weak estimator lifts every error by its own and so hides
differences.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from torch import Tensor

from vst.frame import Frame, Motion
from vst.motion.consistency import consistency_mask
from vst.motion.estimator import Estimator


class Judge(Protocol):
    """Says how each frame of a clip relates to the previous one."""

    name: str

    def step(self, frame: Frame) -> Motion | None:
        """Motion of the next frame to the previous one; None where a shot begins. Frames come in order."""
        ...


class ExactScene(Protocol):
    """A clip whose motion is known, such as ``vst.train.scenes.Scene``."""

    def shot_start(self, t: int) -> int:
        """The first frame of the shot that frame t belongs to."""
        ...

    def motion(self, t: int, distance: int = 1, margin: float = 0.0) -> Motion:
        """Exact motion of frame t to the frame ``distance`` earlier."""
        ...


class SceneJudge:
    """Exact flow and occlusion of a synthetic scene.

    Args:
        scene: The scene that the frames come from.
        margin: Pixels to keep away from outlines. Colours there are mixtures of two things that move
            differently, and no painting could be consistent with both.
    """

    name = "exact"

    def __init__(self, scene: ExactScene, margin: float = 1.0) -> None:
        self._scene = scene
        self._margin = margin

    def step(self, frame: Frame) -> Motion | None:
        """See ``Judge.step``."""
        if self._scene.shot_start(frame.index) == frame.index:
            return None
        return self._scene.motion(frame.index, 1, self._margin)


class EstimatorJudge:
    """An estimator's flow with Sundaram's consistency mask, on the frames of the input clip.

    Args:
        estimator: From ``vst.motion.create_estimator``.
        shot_starts: Indices of frames at which a shot begins, besides the first one that comes.
    """

    def __init__(self, estimator: Estimator, shot_starts: Collection[int] = ()) -> None:
        self.name = estimator.name
        self._estimator = estimator
        self._starts = frozenset(shot_starts)
        self._previous: Tensor | None = None

    def step(self, frame: Frame) -> Motion | None:
        """See ``Judge.step``."""
        previous, self._previous = self._previous, frame.image
        if previous is None or frame.index in self._starts:
            return None
        backward, forward = self._estimator.estimate_pair(frame.image, previous)
        return Motion(backward, consistency_mask(forward, backward))
