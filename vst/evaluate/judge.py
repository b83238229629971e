"""By whose motion paintings are judged: the exact one of a scene, or an estimator's.

Report the judge's name with every number: a weak estimator lifts every error by its own and so hides
differences.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from vst.errors import UsageError, suggestion
from vst.evaluate.farneback import FarnebackEstimator
from vst.frame import Frame, Motion
from vst.motion.consistency import consistency_mask
from vst.motion.estimator import Estimator
from vst.motion.files.recorded import PREFIX, is_recorded
from vst.motion.registry import ESTIMATORS, check_estimator, create_estimator


class Judge(Protocol):
    """Says how each frame of a clip relates to the previous one."""

    name: str

    def step(self, frame: Frame, new_shot: bool = False) -> Motion | None:
        """Motion of the next frame to the previous one; None where a shot begins. Frames come in order."""
        ...


class ExactScene(Protocol):
    """A clip whose motion is known, such as ``vst.synthetic.Scene``."""

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

    def step(self, frame: Frame, new_shot: bool = False) -> Motion | None:
        """See ``Judge.step``; the scene itself knows where its shots begin as well."""
        if new_shot or self._scene.shot_start(frame.index) == frame.index:
            return None
        return self._scene.motion(frame.index, 1, self._margin)


class EstimatorJudge:
    """An estimator's flow with Sundaram's consistency mask, on the frames of the input clip.

    Args:
        estimator: From ``vst.motion.create_estimator``.
    """

    def __init__(self, estimator: Estimator) -> None:
        self.name = estimator.name
        self._estimator = estimator
        self._previous: Tensor | None = None

    def step(self, frame: Frame, new_shot: bool = False) -> Motion | None:
        """See ``Judge.step``."""
        previous, self._previous = self._previous, frame.image
        if previous is None or new_shot:
            return None
        backward, forward = self._estimator.estimate_pair(frame.image, previous)
        return Motion(backward, consistency_mask(forward, backward))


def check_judge(name: str) -> None:
    """Refuse a name by which ``create_judging_estimator`` makes none, nor names recorded flow.

    Raises:
        UsageError: For a name, with the nearest one.
        VstError: For what is not ready, with what to do.
    """
    if name == FarnebackEstimator.name:
        return
    if name not in ESTIMATORS and name != "auto" and not is_recorded(name):
        names = [*ESTIMATORS, FarnebackEstimator.name, "auto", f"{PREFIX}FOLDER"]
        raise UsageError(f"unknown flow estimator '{name}': {suggestion(name, names)}")
    check_estimator(name)


def create_judging_estimator(name: str, device: torch.device, precision: torch.dtype) -> Estimator:
    """An estimator by which to judge: all that render, and ``farneback``, which is too weak for that.

    Raises:
        UsageError: There is none of that name.
        VstError: It is not ready.
    """
    if name == FarnebackEstimator.name:
        return FarnebackEstimator()
    return create_estimator(name, device=device, precision=precision)
