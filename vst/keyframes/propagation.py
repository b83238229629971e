"""Keyframes as they are propagated: enlarged once, and sampled from that for every frame.

Cubic interpolation between pixels loses a quarter of the finest detail at half pixels, and Lanczos over 8×8
pixels takes five times as long for every frame. Cubic interpolation in a picture that Lanczos enlarged to
twice its size keeps the detail at the cost of the first.
"""

from __future__ import annotations

from vst.keyframes.operations import Field, operations


def enlarge(keyframe: Field) -> Field:
    """A stylized keyframe, H×W×3 float32, for `propagate`: 2H×2W×3."""
    return operations(keyframe).doubled(keyframe)


def propagate(enlarged: Field, flow: Field) -> Field:
    """A keyframe warped to a frame.

    Args:
        enlarged: From `enlarge`.
        flow: H×W×2, pixels, from the frame to the keyframe.

    Returns:
        H×W×3 float32; the border pixel is repeated outside.
    """
    return operations(flow).sample_doubled(enlarged, flow)
