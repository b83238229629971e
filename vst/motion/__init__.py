"""Motion between frames: flow estimators, warping, consistency masks, shots, memory across occlusion."""

from __future__ import annotations

from vst.motion.consistency import consistency_mask
from vst.motion.estimator import Estimator
from vst.motion.registry import ESTIMATORS, create_estimator
from vst.motion.warp import inside, warp

__all__ = ["ESTIMATORS", "Estimator", "consistency_mask", "create_estimator", "inside", "warp"]
