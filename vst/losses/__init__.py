"""The losses: functions, each with a thin module where it has state."""

from __future__ import annotations

from vst.losses.gram import gram_matrix, style_loss
from vst.losses.perceptual import PerceptualLoss, content_loss
from vst.losses.smoothness import detail_loss, laplacian_loss, total_variation
from vst.losses.temporal import luminance_temporal_loss, temporal_loss

__all__ = [
    "PerceptualLoss",
    "content_loss",
    "detail_loss",
    "gram_matrix",
    "laplacian_loss",
    "luminance_temporal_loss",
    "style_loss",
    "temporal_loss",
    "total_variation",
]
