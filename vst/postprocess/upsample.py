"""Resizes a stylized frame from working resolution to the size of the frame."""

from __future__ import annotations

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor

from vst.postprocess.colour import luminance_within

_RADIUS = 2
"""Radius of the windows in pixels at working resolution: about the width of a stroke."""

_NOISE = 3e-4
"""Variance of luminance, or of the stylized frame, below which it counts as noise: a deviation of 0.017."""


def at_frame_size(stylized: Tensor, reduced: Tensor, frame: Tensor) -> Tensor:
    """Resize a stylized frame to the size of the frame.

    Args:
        stylized: 3×h×w, RGB, 0..1.
        reduced: 3×h×w, `frame` at working resolution, which was stylized.
        frame: 3×H×W, RGB, nominally 0..1.

    Returns:
        3×H×W, 0..1; `stylized` itself if it has the size of the frame. A larger one is reduced with
        antialiasing, a smaller one enlarged by `guided_upsample`.
    """
    size = (frame.shape[-2], frame.shape[-1])
    if stylized.shape[-2:] == size:
        return stylized
    if stylized.shape[-2] > size[0] or stylized.shape[-1] > size[1]:
        return resize(stylized, size).clamp(0, 1)
    return guided_upsample(stylized, reduced, frame)


def guided_upsample(stylized: Tensor, reduced: Tensor, frame: Tensor) -> Tensor:
    """Enlarge a stylized frame; edges of the frame stay sharp where the stylization follows them.

    The stylized frame is enlarged (bicubic). The detail of the frame's luminance Y that the reduction
    removed is added with the local gain of the stylization: the linear regression of the guided filter (He,
    Sun & Tang 2013, "Guided image filtering") in small windows at working resolution, and the means of its
    coefficients, enlarged, as in He & Sun 2015, "Fast guided filter"::

        Q_c = enlarged P_c + enlarged a_c · (Y − enlarged Y_w),
        a_c = ρ_c² · cov(Y_w, P_c) / (var Y_w + var(Y − enlarged Y_w) + ε)

    with P the stylized frame and Y_w the luminance at working resolution.

    Two things differ from the filter, so that nothing is added that was not stylized. The variance of the
    detail is in the denominator: what is added varies at most half as much as the stylization around it, so
    there are no halos, and texture finer than the working resolution is left out. And the gain is
    multiplied by the squared correlation ρ_c² = cov² / ((var Y_w + ε) (var P_c + ε)): strokes are not in
    the frame, and where they resemble it by chance they must not take on its noise.

    Args:
        stylized: 3×h×w, RGB, 0..1.
        reduced: 3×h×w, `frame` at working resolution, which was stylized.
        frame: 3×H×W with H ≥ h and W ≥ w, RGB; clamped to 0..1.

    Returns:
        3×H×W, 0..1.
    """
    size, small = (frame.shape[-2], frame.shape[-1]), (stylized.shape[-2], stylized.shape[-1])
    guide = luminance_within(reduced)
    detail = luminance_within(frame).sub_(resize(guide, size))
    lost = F.interpolate((detail * detail)[None], small, mode="area")[0]
    gain = _mean(_gain(guide, stylized, lost))
    out = resize(stylized, size)
    for channel in range(len(out)):
        # One at a time: at 8K three gains would take 400 MB.
        plane = slice(channel, channel + 1)
        out[plane].addcmul_(resize(gain[plane], size), detail)
    return out.clamp_(0, 1)


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize C×h×w to (height, width): bicubic, antialiased if that reduces a side."""
    if size[0] < image.shape[-2] or size[1] < image.shape[-1]:
        return F.interpolate(image[None], size, mode="bicubic", antialias=True, align_corners=False)[0]
    if image.device.type != "cpu":
        return F.interpolate(image[None], size, mode="bicubic", align_corners=False)[0]
    # OpenCV, with the same numbers, takes an eighth of the time.
    out = image.new_empty(len(image), *size)
    for plane, large in zip(image.numpy(), out.numpy(), strict=True):
        cv2.resize(plane, size[::-1], dst=large, interpolation=cv2.INTER_CUBIC)
    return out


def _gain(guide: Tensor, stylized: Tensor, lost: Tensor) -> Tensor:
    """a_c, 3×h×w, before the means over windows.

    Args:
        guide: 1×h×w, Y_w.
        stylized: 3×h×w, P.
        lost: 1×h×w, the square of Y − enlarged Y_w.
    """
    # Centred on the middle grey, so that the variances do not lose digits.
    guide, stylized = guide - 0.5, stylized - 0.5
    y, p, lost = _mean(guide), _mean(stylized), _mean(lost)
    var_y = (_mean(guide * guide) - y * y).clamp_min_(0)
    var_p = (_mean(stylized * stylized) - p * p).clamp_min_(0)
    cov = _mean(guide * stylized) - y * p
    follows = cov * cov / ((var_y + _NOISE) * (var_p + _NOISE))
    return cov * follows / (var_y + lost + _NOISE)


def _mean(planes: Tensor) -> Tensor:
    """Means over windows of (2·_RADIUS + 1)² pixels, C×H×W; the border is repeated."""
    side = 2 * _RADIUS + 1
    if planes.device.type != "cpu":
        return F.avg_pool2d(F.pad(planes[None], (_RADIUS,) * 4, mode="replicate"), side, stride=1)[0]
    out = torch.empty_like(planes, memory_format=torch.contiguous_format)
    for plane, mean in zip(planes.numpy(), out.numpy(), strict=True):
        cv2.blur(plane, (side, side), dst=mean, borderType=cv2.BORDER_REPLICATE)
    return out
