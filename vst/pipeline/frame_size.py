"""Output size, working resolution, and resizing frames to either."""

from __future__ import annotations

import math
from dataclasses import replace

from vst.errors import UsageError
from vst.frame import Frame
from vst.pipeline.option_values import MAX_SIDE
from vst.pipeline.settings import RenderSettings
from vst.postprocess import resize

STROKE_SIDE = 480
"""Short side in pixels at which a frame is stylized with a style scale of 1."""

NATIVE = 1.25
"""Frames up to this many times `STROKE_SIDE` are stylized at their own size: to enlarge a stylization by a
tenth costs more of its texture than strokes a tenth finer."""

MAX_WORKING_SIDE = 4096
"""The longest side in pixels of the working resolution that a style scale may ask for."""


def output_size(
    width: int, height: int, settings: RenderSettings, largest: int | None = None
) -> tuple[int, int]:
    """Width and height of the output; even if the settings give a size or scale, as 4:2:0 requires.

    Args:
        width: Of the clip, in pixels.
        height: Of the clip, in pixels.
        settings: With size or scale, or without.
        largest: The longest short side that a clip keeps if neither is given.

    Raises:
        UsageError: A side would be shorter than 2 or longer than `MAX_SIDE`.
    """
    side = settings.size
    if settings.scale is None and side is None:
        if largest is None or min(width, height) <= largest:
            return width, height
        side = largest
    factor = settings.scale if settings.scale is not None else (side or 0) / min(width, height)
    scaled = (2 * round(width * factor / 2), 2 * round(height * factor / 2))
    if min(scaled) < 2:
        raise UsageError(
            f"{width}×{height} scaled by {factor:g} is smaller than 2 pixels; give a larger scale"
        )
    if max(scaled) > MAX_SIDE:
        raise UsageError(
            f"{width}×{height} scaled by {factor:g} is {scaled[0]}×{scaled[1]}; "
            f"no side may be longer than {MAX_SIDE}"
        )
    return scaled


def working_size(width: int, height: int, style_scale: float | None = None) -> tuple[int, int]:
    """Width and height at which motion is estimated and the network stylizes.

    A network's strokes have a fixed size in pixels, so their size in the picture depends on the resolution
    that the network sees: a short side of `STROKE_SIDE` / style scale.

    Args:
        width: Of the output, in pixels.
        height: Of the output, in pixels.
        style_scale: Size of the strokes relative to the frame, as in `RenderSettings`. None is 1, but a
            short side of up to `NATIVE` · `STROKE_SIDE` stays as it is.

    Raises:
        UsageError: The style scale asks for strokes so fine that a side would be longer than
            `MAX_WORKING_SIDE`.
    """
    short, long = sorted((width, height))
    default = 1.0 if short <= NATIVE * STROKE_SIDE else STROKE_SIDE / short
    factor = default if style_scale is None else STROKE_SIDE / (style_scale * short)
    working = (round(width * factor), round(height * factor))
    if factor > default and max(working) > MAX_WORKING_SIDE:
        least = math.ceil(100 * STROKE_SIDE * long / (short * MAX_WORKING_SIDE)) / 100
        raise UsageError(
            f"style scale {style_scale:g} would stylize {width}×{height} at {working[0]}×{working[1]}; "
            f"no side may be longer than {MAX_WORKING_SIDE}: give {least:g} or more, or none"
        )
    return working


def inside_working_size(width: int, height: int, style_scale: float | None = None) -> tuple[int, int]:
    """`working_size` of the picture inside borders, which are known only when frames have been read.

    Where the style scale asks for a longer side than `MAX_WORKING_SIDE`, it gets that.
    """
    if style_scale is not None:
        long, short = max(width, height), min(width, height)
        style_scale = max(style_scale, STROKE_SIDE * long / (short * MAX_WORKING_SIDE))
    return working_size(width, height, style_scale)


def resize_frame(frame: Frame, width: int, height: int) -> Frame:
    """Resize a frame with its alpha and gain: bicubic, antialiased."""
    size = (height, width)
    if frame.image.shape[-2:] == size:
        return frame
    alpha = None if frame.alpha is None else resize(frame.alpha, size).clamp(0, 1)
    gain = None if frame.gain is None else resize(frame.gain, size).clamp_min(1)
    return replace(frame, image=resize(frame.image, size), alpha=alpha, gain=gain)
