"""Motion between frames: flow estimators, warping, consistency masks, shot detection.

`source.py` is the interface that the pipeline uses, `tracking.py` the motion stage behind it. Estimators
are in `estimators/` and registered in `registry.py`; the CUDA kernels of their networks are in `kernels/`,
the import of published weights in `imported/`, flow files in `files/`.
"""

from __future__ import annotations

from vst.distances import DISTANCES
from vst.motion.consistency import consistency_mask, occlusion_part, trusted_mask
from vst.motion.estimator import Estimator
from vst.motion.files.flo import read_flo, write_flo
from vst.motion.pairs import FlowPair, PairTracker
from vst.motion.registry import ESTIMATORS, automatic, check_estimator, create_estimator
from vst.motion.shot_detection import shots
from vst.motion.source import EstimatedMotion, MotionSource, open_motion
from vst.motion.tracking import Tracked, track
from vst.motion.warping import inside, warp

__all__ = [
    "DISTANCES",
    "ESTIMATORS",
    "EstimatedMotion",
    "Estimator",
    "FlowPair",
    "MotionSource",
    "PairTracker",
    "Tracked",
    "automatic",
    "check_estimator",
    "consistency_mask",
    "create_estimator",
    "inside",
    "occlusion_part",
    "open_motion",
    "read_flo",
    "shots",
    "track",
    "trusted_mask",
    "warp",
    "write_flo",
]
