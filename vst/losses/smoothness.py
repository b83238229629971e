"""Total variation: a small price on grain."""

from __future__ import annotations

from torch import Tensor


def total_variation(image: Tensor) -> Tensor:
    """Mean squared difference of neighbours, down and across (Mahendran & Vedaldi 2015, β = 2).

    Args:
        image: B×C×H×W.

    Returns:
        A scalar in fp32, ≥ 0.
    """
    image = image.float()
    down = (image[..., 1:, :] - image[..., :-1, :]) ** 2
    across = (image[..., :, 1:] - image[..., :, :-1]) ** 2
    return down.mean() + across.mean()
