"""Motion between frames: flow estimators, warping, consistency masks, shots, memory across occlusion."""

from __future__ import annotations

from vst.motion.consistency import consistency_mask, occlusion_part, trusted_mask
from vst.motion.estimator import Estimator
from vst.motion.files.flo import read_flo, write_flo
from vst.motion.registry import ESTIMATORS, automatic, check_estimator, create_estimator
from vst.motion.shot_detection import shots
from vst.motion.tracking import DISTANCES, Tracked, track
from vst.motion.warp_history import recall
from vst.motion.warping import inside, warp

__all__ = [
    "DISTANCES",
    "ESTIMATORS",
    "Estimator",
    "Tracked",
    "automatic",
    "check_estimator",
    "consistency_mask",
    "create_estimator",
    "inside",
    "occlusion_part",
    "read_flo",
    "recall",
    "shots",
    "track",
    "trusted_mask",
    "warp",
    "write_flo",
]
