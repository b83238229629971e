"""A painting brought to the size of the frame, whatever size it was painted at."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from vst.postprocess.colour import luminance_within

_RADIUS = 2
"""Windows are so many pixels of the painting to each side: about a stroke's width."""

_NOISE = 3e-4
"""Variance below which differences of luminance, or of paint, count as noise: a deviation of 0.017."""


def at_frame_size(painted: Tensor, seen: Tensor, frame: Tensor) -> Tensor:
    """The painting at the frame's size.

    Args:
        painted: 3×h×w, RGB, 0..1.
        seen: 3×h×w, the frame as it was painted from: `frame` resized.
        frame: 3×H×W, RGB, nominally 0..1.

    Returns:
        3×H×W, 0..1; `painted` itself where the size is the frame's already. A larger painting is reduced
        with antialiasing, a smaller one enlarged by `guided_upsample`.
    """
    size = (frame.shape[-2], frame.shape[-1])
    if painted.shape[-2:] == size:
        return painted
    if painted.shape[-2] > size[0] or painted.shape[-1] > size[1]:
        return resize(painted, size).clamp(0, 1)
    return guided_upsample(painted, seen, frame)


def guided_upsample(painted: Tensor, seen: Tensor, frame: Tensor) -> Tensor:
    """The painting enlarged, with the edges of the frame where it follows them.

    The strokes are enlarged as they are (bicubic). What the reduction took from the frame's luminance Y is
    given back with the painting's local gain: the linear regression of the guided filter (He, Sun & Tang
    2013, "Guided image filtering") in small windows at the painting's resolution, and its coefficients'
    means, enlarged, as in He & Sun 2015, "Fast guided filter"::

        Q_c = enlarged P_c + enlarged a_c · (Y − enlarged Y_seen),
        a_c = ρ_c² · cov(Y_seen, P_c) / (var Y_seen + var(Y − enlarged Y_seen) + ε)

    Two things differ from the filter, so that nothing is drawn that was not painted. The detail's own
    variance is in the denominator: what is added varies at most half as much as the paint around it, so
    there are no halos, and texture finer than the painting's pixels stays out. And the gain counts as far
    as Y explains the paint, by the squared correlation ρ_c² = cov² / ((var Y_seen + ε) (var P_c + ε)):
    strokes are not in the frame, and where they resemble it by chance they must not take on its noise.

    Args:
        painted: 3×h×w, RGB, 0..1.
        seen: 3×h×w, the frame as it was painted from: `frame` resized.
        frame: 3×H×W with H ≥ h and W ≥ w, RGB; what is outside 0..1 is clamped.

    Returns:
        3×H×W, 0..1.
    """
    size, small = (frame.shape[-2], frame.shape[-1]), (painted.shape[-2], painted.shape[-1])
    guide = luminance_within(seen)
    detail = luminance_within(frame).sub_(resize(guide, size))
    lost = F.interpolate((detail * detail)[None], small, mode="area")[0]
    gain = _mean(_gain(guide, painted, lost))
    out = resize(painted, size)
    for channel in range(len(out)):
        # One at a time: at 8K three gains would take 400 MB.
        plane = slice(channel, channel + 1)
        out[plane].addcmul_(resize(gain[plane], size), detail)
    return out.clamp_(0, 1)


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """C×h×w at another size (height, width): bicubic, antialiased where that reduces it."""
    return F.interpolate(image[None], size, mode="bicubic", antialias=True, align_corners=False)[0]


def _gain(guide: Tensor, painted: Tensor, lost: Tensor) -> Tensor:
    """a_c, 3×h×w, before the means over windows.

    Args:
        guide: 1×h×w, Y_seen.
        painted: 3×h×w, P.
        lost: 1×h×w, the square of Y − enlarged Y_seen.
    """
    # Differences from the middle grey keep the digits that a variance is made of.
    guide, painted = guide - 0.5, painted - 0.5
    y, p, lost = _mean(guide), _mean(painted), _mean(lost)
    var_y = (_mean(guide * guide) - y * y).clamp_min_(0)
    var_p = (_mean(painted * painted) - p * p).clamp_min_(0)
    cov = _mean(guide * painted) - y * p
    follows = cov * cov / ((var_y + _NOISE) * (var_p + _NOISE))
    return cov * follows / (var_y + lost + _NOISE)


def _mean(planes: Tensor) -> Tensor:
    """Means over windows of (2·_RADIUS + 1)² pixels, C×H×W; edges are repeated outwards."""
    width, pad = 2 * _RADIUS + 1, (_RADIUS,) * 4
    planes = F.pad(planes[None], pad, mode="replicate")[0]
    # Sums of strided views: several times as fast as avg_pool2d on the CPU.
    return planes.unfold(-1, width, 1).mean(-1).unfold(-2, width, 1).mean(-1)
