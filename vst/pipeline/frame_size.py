"""The size of the output, the size at which it is painted, and frames brought to either."""

from __future__ import annotations

import math
from dataclasses import replace

from vst.errors import UsageError
from vst.frame import Frame
from vst.pipeline.settings import MAX_SIDE, RenderSettings
from vst.postprocess import resize

STROKE_SIDE = 480
"""Short side in pixels of a frame that gets strokes of style scale 1 when it is painted at its own size."""

LONGEST_PAINTED = 4096
"""The longest side in pixels at which `working_size` lets a style scale paint."""


def output_size(width: int, height: int, settings: RenderSettings) -> tuple[int, int]:
    """Width and height of the output; a size that was asked for comes out even, as 4:2:0 wants it.

    Raises:
        UsageError: where a side would vanish, or be longer than `MAX_SIDE`.
    """
    if settings.scale is None and settings.size is None:
        return width, height
    factor = settings.scale if settings.scale is not None else (settings.size or 0) / min(width, height)
    scaled = (2 * round(width * factor / 2), 2 * round(height * factor / 2))
    if min(scaled) < 2:
        raise UsageError(f"{width}×{height} scaled by {factor:g} has nothing left; give a larger scale")
    if max(scaled) > MAX_SIDE:
        raise UsageError(
            f"{width}×{height} scaled by {factor:g} is {scaled[0]}×{scaled[1]}; "
            f"no side may be longer than {MAX_SIDE}"
        )
    return scaled


def working_size(width: int, height: int, style_scale: float | None = None) -> tuple[int, int]:
    """Width and height at which motion is estimated and the network paints.

    A network's strokes have a fixed size in pixels, so their size in the picture is decided by the size at
    which the network sees it: a short side of `STROKE_SIDE` / style scale.

    Args:
        width: Of the frame as it is written, in pixels.
        height: Of the same.
        style_scale: Size of the strokes relative to the frame, as `RenderSettings` has it. None is 1, but
            never enlarges a frame.

    Raises:
        UsageError: where a style scale asks for strokes so fine that a side would be longer than
            `LONGEST_PAINTED`.
    """
    short, long = sorted((width, height))
    default = min(1.0, STROKE_SIDE / short)
    factor = default if style_scale is None else STROKE_SIDE / (style_scale * short)
    painted = (round(width * factor), round(height * factor))
    if factor > default and max(painted) > LONGEST_PAINTED:
        least = math.ceil(100 * STROKE_SIDE * long / (short * LONGEST_PAINTED)) / 100
        raise UsageError(
            f"style scale {style_scale:g} would paint {width}×{height} at {painted[0]}×{painted[1]}; "
            f"no side may be longer than {LONGEST_PAINTED}: give {least:g} or more, or none"
        )
    return painted


def resize_frame(frame: Frame, width: int, height: int) -> Frame:
    """The frame at another size: antialiased bicubic, alpha and gain along with it."""
    size = (height, width)
    if frame.image.shape[-2:] == size:
        return frame
    alpha = None if frame.alpha is None else resize(frame.alpha, size).clamp(0, 1)
    gain = None if frame.gain is None else resize(frame.gain, size).clamp_min(1)
    return replace(frame, image=resize(frame.image, size), alpha=alpha, gain=gain)
