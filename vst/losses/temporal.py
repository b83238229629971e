"""The temporal loss: paint has to stay on what it was painted on."""

from __future__ import annotations

from torch import Tensor


def temporal_loss(output: Tensor, warped: Tensor, mask: Tensor) -> Tensor:
    """(1/D) Σ m (O_t − W_t(O_{t−1}))² with D = B·C·H·W (thesis, eq. 5.7; Ruder 2016, eq. 7).

    Args:
        output: B×C×H×W, the painting of this frame.
        warped: B×C×H×W, the painting of the earlier frame, warped to this one already.
        mask: B×1×H×W, 1 where the earlier painting can be trusted.

    Returns:
        A scalar in fp32, ≥ 0.
    """
    return (mask.float() * (output.float() - warped.float()) ** 2).mean()
