"""The estimators by name. A new one is a new file and one entry here."""

from __future__ import annotations

import importlib.util
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from vst.errors import UsageError, VstError, suggestion
from vst.motion.estimator import Estimator
from vst.motion.files.recorded import PREFIX, check_recorded, is_recorded

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EstimatorEntry:
    """One estimator as the registry knows it.

    Attributes:
        description: One line for a list of estimators.
        factory: Makes the estimator for a device, with the precision of its features; what is no network
            needs neither.
        missing: What has to be installed or imported before the factory works, as a sentence that says how;
            None when it is ready.
    """

    description: str
    factory: Callable[[torch.device, torch.dtype], Estimator]
    missing: Callable[[], str | None]

    def ready(self) -> bool:
        """Whether the factory would work now."""
        return self.missing() is None


def _dis(
    device: torch.device,
    precision: torch.dtype,
    preset: Literal["ultrafast", "fast", "medium", "refined"] = "refined",
    fine_below: float | None = None,
) -> Estimator:
    from vst.motion.estimators.dis import FINE_BELOW, DisEstimator

    return DisEstimator(preset, FINE_BELOW if fine_below is None else fine_below)


def _missing_opencv() -> str | None:
    if importlib.util.find_spec("cv2") is None:
        return "OpenCV is not installed: pip install opencv-python-headless"
    return None


def _refined(device: torch.device, precision: torch.dtype) -> Estimator:
    from vst.motion.estimators.refined.estimator import RefinedEstimator
    from vst.motion.estimators.refined.weights import load_refinement

    return RefinedEstimator(load_refinement(), device, precision)


def _missing_refinement() -> str | None:
    from vst.motion.estimators.refined.weights import missing_refinement

    return _missing_opencv() or missing_refinement()


def _flownet2(name: str, device: torch.device, precision: torch.dtype) -> Estimator:
    from vst.motion.estimators.flownet2.estimator import FlowNet2Estimator

    return FlowNet2Estimator(name, device, precision)


def _pwcnet(name: str, device: torch.device, precision: torch.dtype) -> Estimator:
    from vst.motion.estimators.pwcnet.estimator import PWCNetEstimator

    return PWCNetEstimator(name, device, precision)


def _missing_weights(name: str) -> str | None:
    from vst.motion.imported.weights import missing_weights

    return missing_weights(name)


def _raft(name: str, device: torch.device, precision: torch.dtype) -> Estimator:
    from vst.motion.estimators.raft import RaftEstimator

    return RaftEstimator(name, device, precision)


def _missing_raft(name: str) -> str | None:
    from vst.motion.estimators.raft import missing_raft

    return missing_raft(name)


_FLOWNET2 = {
    "flownet2": "FlowNet 2.0, all five networks; wants CUDA",
    "flownet2-c": "FlowNet 2.0's correlation network alone",
    "flownet2-s": "FlowNet 2.0's simple network alone",
    "flownet2-sd": "FlowNet 2.0's network for small displacements alone",
    "flownet2-cs": "FlowNet 2.0's first two networks",
    "flownet2-css": "FlowNet 2.0's first three networks",
    "flownet2-css-ft-sd": "FlowNet 2.0's first three networks, tuned for small displacements",
}

_RAFT = {
    "raft-small": "RAFT with a million parameters (torchvision)",
    "raft-large": "RAFT with five million parameters (torchvision)",
}

ESTIMATORS: dict[str, EstimatorEntry] = {
    "dis": EstimatorEntry(
        "Dense Inverse Search (OpenCV), refined at full resolution; no weights", _dis, _missing_opencv
    ),
    "dis-fine": EstimatorEntry(
        "dis at full resolution for frames of any size: more exact at outlines, two to three times as slow",
        partial(_dis, fine_below=math.inf),
        _missing_opencv,
    ),
    "dis-medium": EstimatorEntry(
        "dis with OpenCV's medium preset: quicker, less exact at outlines",
        partial(_dis, preset="medium"),
        _missing_opencv,
    ),
    "dis-fast": EstimatorEntry(
        "dis with its fast preset: quicker, less exact", partial(_dis, preset="fast"), _missing_opencv
    ),
    "dis-ultrafast": EstimatorEntry(
        "dis with its ultrafast preset: quickest", partial(_dis, preset="ultrafast"), _missing_opencv
    ),
    "dis-refined": EstimatorEntry(
        "dis, mended by a small network of our own (vst train flow)", _refined, _missing_refinement
    ),
    **{
        name: EstimatorEntry(description, partial(_flownet2, name), partial(_missing_weights, name))
        for name, description in _FLOWNET2.items()
    },
    "pwcnet": EstimatorEntry(
        "PWC-Net, small and quick", partial(_pwcnet, "pwcnet"), partial(_missing_weights, "pwcnet")
    ),
    **{
        name: EstimatorEntry(description, partial(_raft, name), partial(_missing_raft, name))
        for name, description in _RAFT.items()
    },
}


def automatic(device: torch.device) -> str:
    """What ``auto`` is on a device: flownet2 where its weights are imported and the device is CUDA."""
    return "flownet2" if device.type == "cuda" and ESTIMATORS["flownet2"].ready() else "dis"


def create_estimator(
    name: str = "auto", *, device: torch.device | None = None, precision: torch.dtype | None = None
) -> Estimator:
    """An estimator by name.

    Args:
        name: A key of ``ESTIMATORS``, or ``"auto"`` for the best one that is ready here; which that is
            goes to the log.
        device: Where a network runs; None is CUDA where there is a GPU, else the CPU.
        precision: Of a network's features; None is fp32.

    Raises:
        UsageError: There is no estimator of that name.
        VstError: It needs something that is not here; the message says what and how to get it.
    """
    import torch

    if is_recorded(name):
        raise UsageError(f"'{name}' is the motion of one clip: it serves to render or to show that clip")
    device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "auto":
        name = automatic(device)
        _log.info("optical flow: auto chose %s", name)
    check_estimator(name)
    return ESTIMATORS[name].factory(device, precision or torch.float32)


def check_estimator(name: str) -> None:
    """Refuse a name that is no estimator's, nor ``"auto"``, nor ``"file:FOLDER"``, and what is not ready.

    Raises:
        UsageError: For a name, with the nearest one.
        MediaError: For a folder that does not exist.
        VstError: For what is not ready, with what to do.
    """
    if name == "auto":
        return
    if is_recorded(name):
        check_recorded(name)
        return
    if name not in ESTIMATORS:
        names = [*ESTIMATORS, f"{PREFIX}FOLDER", "auto"]
        raise UsageError(f"unknown flow estimator '{name}': {suggestion(name, names)}")
    missing = ESTIMATORS[name].missing()
    if missing is not None:
        raise VstError(f"flow estimator '{name}' is not ready: {missing}")
