"""The estimators by name. A new one is a new file and one entry here."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass

from vst.errors import UsageError, VstError, suggestion
from vst.motion.estimator import Estimator

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EstimatorEntry:
    """One estimator as the registry knows it.

    Attributes:
        description: One line for a list of estimators.
        factory: Makes the estimator.
        missing: What has to be installed or imported before the factory works, as a sentence that says how;
            None when it is ready.
    """

    description: str
    factory: Callable[[], Estimator]
    missing: Callable[[], str | None]

    def ready(self) -> bool:
        """Whether the factory would work now."""
        return self.missing() is None


def _dis() -> Estimator:
    from vst.motion.dis import DisEstimator

    return DisEstimator()


def _missing_opencv() -> str | None:
    if importlib.util.find_spec("cv2") is None:
        return "OpenCV is not installed: pip install opencv-python-headless"
    return None


ESTIMATORS: dict[str, EstimatorEntry] = {
    "dis": EstimatorEntry(
        "Dense Inverse Search (OpenCV); no weights, fast on a CPU", _dis, _missing_opencv
    ),
}

_AUTO = ("dis",)
"""What ``auto`` tries, best first."""


def create_estimator(name: str = "auto") -> Estimator:
    """An estimator by name.

    Args:
        name: A key of ``ESTIMATORS``, or ``"auto"`` for the best one that is ready here; which that is
            goes to the log.

    Raises:
        UsageError: There is no estimator of that name.
        VstError: It needs something that is not here; the message says what and how to get it.
    """
    if name == "auto":
        name = next((each for each in _AUTO if ESTIMATORS[each].ready()), _AUTO[-1])
        _log.info("optical flow: auto chose %s", name)
    check_estimator(name)
    missing = ESTIMATORS[name].missing()
    if missing is not None:
        raise VstError(f"flow estimator '{name}' is not ready: {missing}")
    return ESTIMATORS[name].factory()


def check_estimator(name: str) -> None:
    """Refuse a name that is no estimator's, nor ``"auto"``.

    Raises:
        UsageError: With the nearest name.
    """
    names = [*ESTIMATORS, "auto"]
    if name in names:
        return
    raise UsageError(f"unknown flow estimator '{name}': {suggestion(name, names)}")
