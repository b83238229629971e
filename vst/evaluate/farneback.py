"""Farnebäck's optical flow: a second, weaker estimator that shows whether an order of results holds."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from vst.motion.estimator import Estimator


class FarnebackEstimator(Estimator):
    """Farnebäck's flow (2003) on 8-bit luma, as OpenCV has it."""

    name = "farneback"

    def estimate(self, a: Tensor, b: Tensor) -> Tensor:
        """See ``Estimator.estimate``."""
        flow = cv2.calcOpticalFlowFarneback(  # type: ignore[call-overload]
            _grey(a),
            _grey(b),
            None,
            pyr_scale=0.5,
            levels=5,
            winsize=15,
            iterations=3,
            poly_n=7,
            poly_sigma=1.5,
            flags=0,
        )
        return torch.from_numpy(np.ascontiguousarray(flow.transpose(2, 0, 1)))


def _grey(image: Tensor) -> np.ndarray:
    rgb = (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
