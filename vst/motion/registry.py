"""The optical flow estimators by name. A new one is one file and one entry of `ESTIMATORS`."""

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
from vst.motion.files.recorded import RECORDED_PREFIX, check_recorded, is_recorded

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EstimatorEntry:
    """An estimator's entry in the registry.

    Attributes:
        description: One line for a list of estimators.
        factory: Creates the estimator for a device, with a precision of its features. An estimator without
            a network ignores both.
        missing: Returns what has to be installed or imported first, and how; None if nothing.
    """

    description: str
    factory: Callable[[torch.device, torch.dtype], Estimator]
    missing: Callable[[], str | None]

    def ready(self) -> bool:
        """Whether the estimator can be created."""
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
    from vst.motion.estimators.refined.refined_estimator import RefinedEstimator
    from vst.motion.estimators.refined.refinement_weights import load_refinement

    return RefinedEstimator(load_refinement(), device, precision)


def _missing_refinement() -> str | None:
    from vst.motion.estimators.refined.refinement_weights import missing_refinement

    return _missing_opencv() or missing_refinement()


def _flownet2(name: str, device: torch.device, precision: torch.dtype) -> Estimator:
    from vst.motion.estimators.flownet2.flownet2_estimator import FlowNet2Estimator

    return FlowNet2Estimator(name, device, precision)


def _pwcnet(name: str, device: torch.device, precision: torch.dtype) -> Estimator:
    from vst.motion.estimators.pwcnet.pwcnet_estimator import PWCNetEstimator

    return PWCNetEstimator(name, device, precision)


def _missing_weights(name: str) -> str | None:
    from vst.motion.imported.flow_weights import missing_weights

    return missing_weights(name)


def _raft(name: str, device: torch.device, precision: torch.dtype) -> Estimator:
    from vst.motion.estimators.raft import RaftEstimator

    return RaftEstimator(name, device, precision)


def _missing_raft(name: str) -> str | None:
    from vst.motion.estimators.raft import missing_raft

    return missing_raft(name)


_FLOWNET2 = {
    "flownet2": "FlowNet 2.0 with all five networks; slow without CUDA",
    "flownet2-c": "FlowNet 2.0: the correlation network only",
    "flownet2-s": "FlowNet 2.0: the simple network only",
    "flownet2-sd": "FlowNet 2.0: the network for small displacements only",
    "flownet2-cs": "FlowNet 2.0: the first two networks",
    "flownet2-css": "FlowNet 2.0: the first three networks",
    "flownet2-css-ft-sd": "FlowNet 2.0: the first three networks, fine-tuned for small displacements",
}

_RAFT = {
    "raft-small": "RAFT with one million parameters (torchvision)",
    "raft-large": "RAFT with five million parameters (torchvision)",
}

ESTIMATORS: dict[str, EstimatorEntry] = {
    "dis": EstimatorEntry(
        "Dense Inverse Search (OpenCV), refined at full resolution; no weights", _dis, _missing_opencv
    ),
    "dis-fine": EstimatorEntry(
        "dis at full resolution for frames of any size: more exact at outlines, two to three times slower",
        partial(_dis, fine_below=math.inf),
        _missing_opencv,
    ),
    "dis-medium": EstimatorEntry(
        "DIS with OpenCV's medium preset: faster, less exact at outlines",
        partial(_dis, preset="medium"),
        _missing_opencv,
    ),
    "dis-fast": EstimatorEntry(
        "DIS with OpenCV's fast preset: faster, less exact", partial(_dis, preset="fast"), _missing_opencv
    ),
    "dis-ultrafast": EstimatorEntry(
        "DIS with OpenCV's ultrafast preset: fastest", partial(_dis, preset="ultrafast"), _missing_opencv
    ),
    "dis-refined": EstimatorEntry(
        "dis, refined by a small network that vst ships (vst train flow)", _refined, _missing_refinement
    ),
    **{
        name: EstimatorEntry(description, partial(_flownet2, name), partial(_missing_weights, name))
        for name, description in _FLOWNET2.items()
    },
    "pwcnet": EstimatorEntry(
        "PWC-Net: small and fast", partial(_pwcnet, "pwcnet"), partial(_missing_weights, "pwcnet")
    ),
    **{
        name: EstimatorEntry(description, partial(_raft, name), partial(_missing_raft, name))
        for name, description in _RAFT.items()
    },
}


def automatic(device: torch.device) -> str:
    """The estimator that ``auto`` stands for: flownet2 on CUDA if its weights are imported, else dis."""
    return "flownet2" if device.type == "cuda" and ESTIMATORS["flownet2"].ready() else "dis"


def create_estimator(
    name: str = "auto", *, device: torch.device | None = None, precision: torch.dtype | None = None
) -> Estimator:
    """An estimator by name.

    Args:
        name: A key of ``ESTIMATORS``, or ``"auto"`` (see ``automatic``); its choice is logged.
        device: Where a network runs; None is CUDA if available, else the CPU.
        precision: Precision of a network's features; None is fp32.

    Raises:
        UsageError: There is no estimator of that name.
        VstError: Something has to be installed or imported first; the message says what and how.
    """
    import torch

    if is_recorded(name):
        raise UsageError(
            f"'{name}' is the motion of one clip; expected an estimator such as 'dis' or 'auto'"
        )
    device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "auto":
        name = automatic(device)
        _log.info("optical flow: auto chose %s", name)
    check_estimator(name)
    return ESTIMATORS[name].factory(device, precision or torch.float32)


def check_estimator(name: str) -> None:
    """Check a value of ``--flow``: an estimator that is ready, ``"auto"``, or ``"file:FOLDER"``.

    Raises:
        UsageError: There is no such estimator; the message suggests the nearest name.
        MediaError: The folder does not exist.
        VstError: The estimator is not ready; the message says what to do.
    """
    if name == "auto":
        return
    if is_recorded(name):
        check_recorded(name)
        return
    if name not in ESTIMATORS:
        names = [*ESTIMATORS, f"{RECORDED_PREFIX}FOLDER", "auto"]
        raise UsageError(f"unknown flow estimator '{name}': {suggestion(name, names)}")
    missing = ESTIMATORS[name].missing()
    if missing is not None:
        raise VstError(f"flow estimator '{name}' is not ready: {missing}")
