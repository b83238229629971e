"""Losses of networks that are trained against discriminators (Mao 2017; Zhu 2017; dissertation, 3.4)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_WINDOW = 7
_FLATNESS = 1e-3
"""Added to squared gradients on −1..1: where there is nothing to see, there is no flow either."""

_LONGEST = 2.0
"""Pixels of residual flow that a single step can tell, at most."""


def generator_loss(scores: Tensor) -> Tensor:
    """Mean of (D(G(x)) − 1)²: least squares (dissertation, 3.4.6; its equation in 3.4.1 has logarithms).

    Args:
        scores: Raw scores of generated pictures, any shape.

    Returns:
        A scalar in fp32, ≥ 0.
    """
    return (scores.float() - 1).square().mean()


def discriminator_loss(real: Tensor, generated: Tensor) -> Tensor:
    """Half of: mean of (D(y) − 1)² + mean of D(G(x))². Scores of one half everywhere give 1/4.

    Args:
        real: Raw scores of real pictures, any shape.
        generated: Raw scores of generated pictures, any shape.

    Returns:
        A scalar in fp32, ≥ 0.
    """
    return ((real.float() - 1).square().mean() + generated.float().square().mean()) / 2


def cycle_loss(pictures: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference of pictures, B×C×H×W both; a scalar in fp32.

    Of what both generators in a row give, it is the cycle's loss; of what one gives of a picture that is of
    its target already, the identity loss.
    """
    return F.l1_loss(pictures.float(), wanted.float())


def residual_flow(picture: Tensor, warped: Tensor) -> Tensor:
    """What is left of the flow between two pictures after warping: one step of Lucas and Kanade (1981).

    Args:
        picture: B×C×H×W.
        warped: B×C×H×W, the other picture, warped to the first by the flow that is checked.

    Returns:
        B×2×H×W in pixels, x then y: warped(p + residual(p)) ≈ picture(p). Of 2 pixels at most, and 0 where
        there is nothing to see. Differentiable.
    """
    picture, warped = picture.float(), warped.float()
    mean = (picture + warped) / 2
    padded = F.pad(mean, (1, 1, 1, 1), mode="replicate")
    x = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    y = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    t = picture - warped

    def gathered(product: Tensor) -> Tensor:
        half = _WINDOW // 2
        return F.avg_pool2d(product.sum(1, keepdim=True), _WINDOW, 1, half, count_include_pad=False)

    xx, yy = gathered(x * x) + _FLATNESS, gathered(y * y) + _FLATNESS
    xy, xt, yt = gathered(x * y), gathered(x * t), gathered(y * t)
    determinant = xx * yy - xy * xy
    flow = torch.cat((yy * xt - xy * yt, xx * yt - xy * xt), 1) / determinant
    return _LONGEST * torch.tanh(flow / _LONGEST)


def flow_cycle_loss(picture: Tensor, warped: Tensor, mask: Tensor) -> Tensor:
    """Mean length of the `residual_flow` of reconstructed frames under the originals' flow, in pixels.

    The dissertation's future work (section 5.3) compares the flow between reconstructed frames with that
    between the originals. Their difference is what is left after warping by the original flow.

    Args:
        picture: B×C×H×W, a frame as both generators in a row give it.
        warped: B×C×H×W, the frame before likewise, warped by the flow of the originals.
        mask: B×1×H×W, 1 where that flow can be trusted.

    Returns:
        A scalar in fp32, ≥ 0.
    """
    lengths = residual_flow(picture, warped).abs().sum(1, keepdim=True)
    return (mask.float() * lengths).mean()
