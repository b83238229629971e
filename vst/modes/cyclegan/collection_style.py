"""A style loss against a collection: mean Gram matrices of generated pictures and of the paintings."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vst.losses.gram import gram_matrix

_DECAY = 0.9


class CollectionStyle(nn.Module):
    """How far the running mean of generated pictures' Gram matrices is from that of the paintings.

    Gatys 2015 compares one picture with one painting. Here no picture has to be like the mean painting,
    only the pictures of the last ten steps together: a sky may stay smooth while a meadow gets strokes.

    Args:
        wanted: 1×N×N by layer, of `vst.losses.perceptual.style_targets` over the paintings.
    """

    count: Tensor

    def __init__(self, wanted: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.layers = tuple(wanted)
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        for layer, gram in wanted.items():
            self.register_buffer(f"wanted_{layer}", gram, persistent=False)
            self.register_buffer(f"mean_{layer}", torch.zeros_like(gram))

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """The mean over layers of ‖M − A‖² / ‖A‖², M the running mean; and moves the mean by a step.

        Args:
            features: B×N×h×w by layer, of generated pictures. Their gradient is that of M, as if it were
                theirs alone.
        """
        decay = min(_DECAY, int(self.count) / (int(self.count) + 1))
        terms = []
        for layer in self.layers:
            wanted, mean = self.get_buffer(f"wanted_{layer}"), self.get_buffer(f"mean_{layer}")
            gram = gram_matrix(features[layer]).mean(0, keepdim=True)
            now = decay * mean + (1 - decay) * gram.detach()
            # The value of `now`, and the gradient of `gram`.
            followed = now + gram - gram.detach()
            terms.append((followed - wanted).square().sum() / wanted.square().sum())
            mean.copy_(now)
        self.count += 1
        return torch.stack(terms).mean()
