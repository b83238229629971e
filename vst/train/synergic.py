"""Training reconet: neighbouring frames painted together and held to each other (Gao 2018; course report).

The report trains on pairs; sequences are pairs of neighbours all along. Nothing is fed back, so all frames
are painted in one go.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.losses import PerceptualLoss, luminance_temporal_loss, temporal_loss
from vst.motion import warp
from vst.train.recipe import Recipe
from vst.train.still import arithmetic, picture_losses, to_unit
from vst.train.video import judged_losses

FeatureStep = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""`ReCoNet.with_features`."""


class ReconetStep:
    """Losses of one batch: α content + β style + γ tv + λ_f temporal (features) + λ_o temporal (output)."""

    def __init__(self, recipe: Recipe, paint: FeatureStep, perceptual: PerceptualLoss) -> None:
        self.recipe, self.paint, self.perceptual = recipe, paint, perceptual

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The losses by name; `total` is what is minimised."""
        mix = torch.nn.functional.one_hot(batch["style"], len(self.recipe.styles)).float()
        if "true_flow" not in batch:
            frames = to_unit(batch["frames"])
            shown = (frames * 2 - 1).repeat_interleave(len(mix) // len(frames), 0)
            output, _ = self._paint(shown, mix)
            return picture_losses(self.recipe, self.perceptual, output, frames, batch["style"])
        seen = to_unit(batch["seen"]) * 2 - 1
        length = seen.shape[1]
        output, features = self._paint(seen.flatten(0, 1), mix.repeat_interleave(length, 0))
        outputs, features = (each.unflatten(0, seen.shape[:2]) for each in (output, features))
        losses = judged_losses(self.recipe, self.perceptual, batch, outputs)
        temporal = self.output_loss(batch, outputs)
        feature = self.feature_loss(batch, features)
        recipe = self.recipe
        losses["total"] = (
            losses["total"] + recipe.temporal_weight * temporal + recipe.feature_weight * feature
        )
        return losses | {"temporal": temporal.detach(), "feature": feature.detach()}

    def output_loss(self, batch: dict[str, Tensor], outputs: Tensor) -> Tensor:
        """The output's temporal loss with the luminance constraint, mean over pairs of neighbours.

        The change of light is that of the clean frames: the noise of a camera is not light, and paint that
        follows it flickers.

        Args:
            batch: See `MixedBatches.sequence_batch`.
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
        lower the report's sum and hold nothing still.

        Args:
            batch: See `MixedBatches.sequence_batch`.
            features: B×T×C×h×w.
        """
        size = (features.shape[-2], features.shape[-1])
        flow, mask = shrink_motion(
            batch["true_flow"][:, 1:].flatten(0, 1), batch["true_mask"][:, 1:].flatten(0, 1), size
        )
        now, then = (features[:, at].flatten(0, 1).float() for at in (slice(1, None), slice(None, -1)))
        return temporal_loss(now, warp(then, flow, "bilinear"), mask) / (now.square().mean() + 1e-8)

    def _paint(self, frames: Tensor, mix: Tensor) -> tuple[Tensor, Tensor]:
        with arithmetic(self.recipe, frames.device):
            output, features = self.paint(frames.contiguous(memory_format=torch.channels_last), mix)
        return output.float(), features


def shrink_motion(flow: Tensor, mask: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Motion on a coarser grid: the mean flow in its pixels, trusted where all of a cell can be trusted.

    Args:
        flow: B×2×H×W, pixels, x then y.
        mask: B×1×H×W, 1 where to be trusted.
        size: h and w of the coarser grid.

    Returns:
        Flow B×2×h×w and mask B×1×h×w.
    """
    height, width = flow.shape[-2:]
    scale = flow.new_tensor([size[1] / width, size[0] / height])[:, None, None]
    return F.adaptive_avg_pool2d(flow, size) * scale, 1 - F.adaptive_max_pool2d(1 - mask, size)
