"""Reference flow: the motion by which temporal errors are measured.

It is the exact motion of a scene, or that of an estimator on the input clip. Report its name with every
number: the errors of a weak estimator are added to those of every output, and hide differences.
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
from vst.motion.files.recorded import RECORDED_PREFIX, is_recorded
from vst.motion.registry import ESTIMATORS, check_estimator, create_estimator


class ReferenceFlow(Protocol):
    """Gives the motion of each frame of a clip to the previous one."""

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


class SceneReference:
    """Exact flow and occlusion of a synthetic scene.

    Args:
        scene: The scene that the frames come from.
        margin: Pixels along outlines to leave out. Colours there are mixtures of two objects that move
            differently, and no output could be consistent with both.
    """

    name = "exact"

    def __init__(self, scene: ExactScene, margin: float = 1.0) -> None:
        self._scene = scene
        self._margin = margin

    def step(self, frame: Frame, new_shot: bool = False) -> Motion | None:
        """See ``ReferenceFlow.step``; None also where the scene itself begins a shot."""
        if new_shot or self._scene.shot_start(frame.index) == frame.index:
            return None
        return self._scene.motion(frame.index, 1, self._margin)


class EstimatedReference:
    """An estimator's flow with Sundaram's consistency mask, on the frames of the input clip.

    Args:
        estimator: From ``create_reference_estimator`` or ``vst.motion.create_estimator``.
    """

    def __init__(self, estimator: Estimator) -> None:
        self.name = estimator.name
        self._estimator = estimator
        self._previous: Tensor | None = None

    def step(self, frame: Frame, new_shot: bool = False) -> Motion | None:
        """See ``ReferenceFlow.step``."""
        previous, self._previous = self._previous, frame.image
        if previous is None or new_shot:
            return None
        backward, forward = self._estimator.estimate_pair(frame.image, previous)
        return Motion(backward, consistency_mask(forward, backward))


def check_reference(name: str) -> None:
    """Check the name of a reference flow: an estimator, ``farneback``, or ``file:FOLDER``.

    Raises:
        UsageError: There is none of that name.
        VstError: It is not ready; the message says what to do.
    """
    if name == FarnebackEstimator.name:
        return
    if name not in ESTIMATORS and name != "auto" and not is_recorded(name):
        names = [*ESTIMATORS, FarnebackEstimator.name, "auto", f"{RECORDED_PREFIX}FOLDER"]
        raise UsageError(f"unknown flow estimator '{name}': {suggestion(name, names)}")
    check_estimator(name)


def create_reference_estimator(name: str, device: torch.device, precision: torch.dtype) -> Estimator:
    """An estimator to measure by: those of a render, and ``farneback``, which is too weak for a render.

    Raises:
        UsageError: There is none of that name.
        VstError: It is not ready.
    """
    if name == FarnebackEstimator.name:
        return FarnebackEstimator()
    return create_estimator(name, device=device, precision=precision)
