"""Training reconet: neighbouring frames stylized together and compared (Gao 2018; course report).

The report trains on pairs; sequences are pairs of neighbours throughout. Nothing is fed back, so all frames
are stylized at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.losses import PerceptualLoss, luminance_temporal_loss, temporal_loss
from vst.modes.reconet.config import ReconetRecipe
from vst.modes.reconet.network import ReCoNet
from vst.modes.training import TrainingStep, arithmetic, loss_frame_losses, to_unit, uncompiled
from vst.motion import warp


class ReconetStep(TrainingStep):
    """Losses of one batch: α content + β style + γ tv + λ_f temporal (features) + λ_o temporal (output)."""

    def __init__(
        self,
        recipe: ReconetRecipe,
        network: ReCoNet,
        perceptual: PerceptualLoss,
        compiled: Callable[[Any], Any] = uncompiled,
    ) -> None:
        super().__init__(recipe, network, perceptual)
        self._forward = compiled(network.with_features)

    def sequence_losses(self, batch: dict[str, Tensor], mix: Tensor) -> dict[str, Tensor]:
        """See `TrainingStep.sequence_losses`."""
        seen = to_unit(batch["seen"]) * 2 - 1
        length = seen.shape[1]
        output, features = self._stylize(seen.flatten(0, 1), mix.repeat_interleave(length, 0))
        outputs, features = (each.unflatten(0, seen.shape[:2]) for each in (output, features))
        losses = loss_frame_losses(self.recipe, self.perceptual, batch, outputs)
        temporal = self.output_loss(batch, outputs)
        feature = self.feature_loss(batch, features)
        recipe = self.recipe
        losses["total"] = (
            losses["total"] + recipe.temporal_weight * temporal + recipe.feature_weight * feature
        )
        return losses | {"temporal": temporal.detach(), "feature": feature.detach()}

    def stylize_alone(self, frames: Tensor, mix: Tensor) -> Tensor:
        """See `TrainingStep.stylize_alone`."""
        return self._stylize(frames, mix)[0]

    def output_loss(self, batch: dict[str, Tensor], outputs: Tensor) -> Tensor:
        """The output's temporal loss with the luminance constraint, mean over pairs of neighbours.

        The change of light is that of the clean frames: the noise of a camera is not light, and output
        that follows it flickers.

        Args:
            batch: See `vst.train.sequences.MixedBatches`.
            outputs: B×T×3×S×S, −1..1.
        """
        flow, mask = (batch[name][:, 1:].flatten(0, 1) for name in ("true_flow", "true_mask"))
        frames = to_unit(batch["frames"]) * 2 - 1
        now, then = outputs[:, 1:].flatten(0, 1), outputs[:, :-1].flatten(0, 1)
        shown, before = frames[:, 1:].flatten(0, 1), frames[:, :-1].flatten(0, 1)
        return luminance_temporal_loss(now, warp(then, flow), shown, warp(before, flow), mask)

    def feature_loss(self, batch: dict[str, Tensor], features: Tensor) -> Tensor:
        """The features' temporal loss relative to their energy, mean over pairs of neighbours.

        Relative, since the decoder's instance norm undoes any scale: features that all become small would
        lower the report's sum and stabilise nothing.

        Args:
            batch: See `vst.train.sequences.MixedBatches`.
            features: B×T×C×h×w.
        """
        size = (features.shape[-2], features.shape[-1])
        flow, mask = shrink_motion(
            batch["true_flow"][:, 1:].flatten(0, 1), batch["true_mask"][:, 1:].flatten(0, 1), size
        )
        now, then = (features[:, at].flatten(0, 1).float() for at in (slice(1, None), slice(None, -1)))
        return temporal_loss(now, warp(then, flow, "bilinear"), mask) / (now.square().mean() + 1e-8)

    def _stylize(self, frames: Tensor, mix: Tensor) -> tuple[Tensor, Tensor]:
        with arithmetic(self.recipe, frames.device):
            output, features = self._forward(frames.contiguous(memory_format=torch.channels_last), mix)
        return output.float(), features


def shrink_motion(flow: Tensor, mask: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Motion on a coarser grid: the mean flow in its pixels, trusted where all of a cell can be trusted.

    Args:
        flow: B×2×H×W, pixels, x then y.
        mask: B×1×H×W, 1 where it can be trusted.
        size: h and w of the coarser grid.

    Returns:
        Flow B×2×h×w and mask B×1×h×w.
    """
    height, width = flow.shape[-2:]
    scale = flow.new_tensor([size[1] / width, size[0] / height])[:, None, None]
    return F.adaptive_avg_pool2d(flow, size) * scale, 1 - F.adaptive_max_pool2d(1 - mask, size)
