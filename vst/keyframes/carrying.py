"""Keyframes as they are carried: enlarged once, and sampled from that for every frame.

Cubic interpolation between pixels loses a quarter of the finest detail at half pixels, and Lanczos over 8×8
pixels takes five times as long for every frame. Cubic interpolation in a picture that Lanczos enlarged to
twice its size keeps the detail at the cost of the first.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from vst.motion.fields import Array, grid, sample_at

FACTOR = 2


def enlarge(keyframe: Array) -> Array:
    """A stylized keyframe, H×W×3 float32, for `carry`: 2H×2W×3."""
    return cv2.resize(keyframe, None, fx=FACTOR, fy=FACTOR, interpolation=cv2.INTER_LANCZOS4)


def carry(enlarged: Array, flow: Array) -> Array:
    """A keyframe warped to a frame.

    Args:
        enlarged: From `enlarge`.
        flow: H×W×2, pixels, from the frame to the keyframe.

    Returns:
        H×W×3 float32; the border pixel is repeated outside.
    """
    # Pixel x of the keyframe has its centre between the pixels 2x and 2x + 1.
    places = cv2.scaleAdd(flow, FACTOR, _centres(*flow.shape[:2]))
    return sample_at(enlarged, places, cv2.INTER_CUBIC)


@lru_cache(maxsize=4)
def _centres(height: int, width: int) -> Array:
    """Where the pixels of a keyframe are in the enlarged one, H×W×2."""
    centres: Array = FACTOR * grid(height, width) + np.float32((FACTOR - 1) / 2)
    return centres
