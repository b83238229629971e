"""The size of the output, and frames brought to it."""

from __future__ import annotations

from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor

from vst.errors import UsageError
from vst.frame import Frame
from vst.render.settings import MAX_SIDE, RenderSettings


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


def resize_frame(frame: Frame, width: int, height: int) -> Frame:
    """The frame at another size: antialiased bicubic, alpha along with it."""
    if frame.image.shape[-2:] == (height, width):
        return frame

    def resize(image: Tensor) -> Tensor:
        return F.interpolate(
            image[None], (height, width), mode="bicubic", antialias=True, align_corners=False
        )[0]

    alpha = None if frame.alpha is None else resize(frame.alpha).clamp(0, 1)
    return replace(frame, image=resize(frame.image), alpha=alpha)
