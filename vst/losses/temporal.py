"""The temporal loss: strokes have to move with the scene."""

from __future__ import annotations

from torch import Tensor

LUMINANCE = (0.2126, 0.7152, 0.0722)
"""Share of R, G and B in the relative luminance Y (ITU-R BT.709)."""


def luminance(image: Tensor) -> Tensor:
    """Y of pictures, or of differences of pictures: …×3×H×W to …×1×H×W, in fp32."""
    image = image.float()
    return (image * image.new_tensor(LUMINANCE)[:, None, None]).sum(-3, keepdim=True)


def temporal_loss(output: Tensor, warped: Tensor, mask: Tensor) -> Tensor:
    """(1/D) Σ m (O_t − W_t(O_{t−1}))² with D = B·C·H·W (thesis, eq. 5.7; Ruder 2016, eq. 7).

    Args:
        output: B×C×H×W, this frame, stylized.
        warped: B×C×H×W, the earlier frame, stylized and warped to this one.
        mask: B×1×H×W, 1 where the earlier frame can be trusted.

    Returns:
        A scalar in fp32, ≥ 0.
    """
    return (mask.float() * (output.float() - warped.float()) ** 2).mean()


def luminance_temporal_loss(
    output: Tensor, warped: Tensor, frame: Tensor, warped_frame: Tensor, mask: Tensor
) -> Tensor:
    """Σ_c (1/D) Σ m ((O_t − W_t(O_{t−1}))_c − (I_t − W_t(I_{t−1}))_Y)², D = B·H·W (Gao 2018).

    (The course report's approach 3.) Where the light changes, the output has to change with it:
    Y = 0.2126 R + 0.7152 G + 0.0722 B of the input's change is asked of every channel. All pictures are in
    the same units, and Y is of values as they are shown, as in the report (a relative luminance proper
    would be of linear light).

    Args:
        output: B×3×H×W, this frame, stylized.
        warped: B×3×H×W, the earlier frame, stylized and warped to this one.
        frame: B×3×H×W, RGB, this frame.
        warped_frame: B×3×H×W, the earlier frame itself, warped likewise.
        mask: B×1×H×W, 1 where the earlier frame can be trusted.

    Returns:
        A scalar in fp32, ≥ 0; without a change of light three times `temporal_loss`.
    """
    light = luminance(frame.float() - warped_frame.float())
    difference = output.float() - warped.float() - light
    return (mask.float() * difference**2).sum(1).mean()
