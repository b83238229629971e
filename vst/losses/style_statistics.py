"""What of a painting's features a picture has to match: Gram matrices, and what later work has instead.

Each `StyleStatistic` describes the features of the paintings of a style by one tensor, and measures how far
other features are from it. `PerceptualLoss` divides by the distance of features that are 0, so that 1 means
the same for all of them, and one style weight serves all within a factor of a few.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.losses.gram import gram_matrix, style_loss

SHIFT = 4
"""Of `ShiftedGram`, in pixels of a layer's features."""

QUANTILES = 64
"""Of `Histogram`, for each channel."""

SAMPLES = 384
"""Of `GaussianMMD`: places of a layer's features, of the picture and of the painting."""


class StyleStatistic(Protocol):
    """A statistic of features and a distance between two."""

    def describe(self, paintings: Sequence[Tensor], shares: Sequence[float] | None = None) -> Tensor:
        """The statistic of a style at one layer, 1×…

        Args:
            paintings: Features of each painting, 1×N×h×w, of any sizes.
            shares: How much each counts; they sum to 1. None: all the same.
        """
        ...

    def distance(self, features: Tensor, wanted: Tensor) -> Tensor:
        """How far features B×N×h×w are from statistics, B×… or 1×…; B, in fp32, ≥ 0."""
        ...


class Gram:
    """Products of channels at the same place (Gatys 2015)."""

    def describe(self, paintings: Sequence[Tensor], shares: Sequence[float] | None = None) -> Tensor:
        """1×N×N; see `StyleStatistic.describe`."""
        return _together([gram_matrix(each) for each in paintings], shares)

    def distance(self, features: Tensor, wanted: Tensor) -> Tensor:
        """‖G − A‖² / (4 N²); see `StyleStatistic.distance`."""
        return style_loss(gram_matrix(features), wanted)


class ShiftedGram:
    """Products of channels at places `SHIFT` apart, across and down (Berger & Memisevic 2017, section 3.1).

    So regular arrangements count, which a Gram matrix cannot see.
    """

    def describe(self, paintings: Sequence[Tensor], shares: Sequence[float] | None = None) -> Tensor:
        """1×2×N×N; see `StyleStatistic.describe`."""
        return _together([self._products(each) for each in paintings], shares)

    def distance(self, features: Tensor, wanted: Tensor) -> Tensor:
        """The mean over both directions of ‖G − A‖² / (4 N²); see `StyleStatistic.distance`."""
        found = self._products(features)
        return (found - wanted).square().sum((2, 3)).mean(1) / (4 * found.shape[-1] ** 2)

    def _products(self, features: Tensor) -> Tensor:
        directions = []
        for axis in (2, 3):
            length = features.shape[axis]
            shift = min(SHIFT, length // 2)
            first = features.narrow(axis, 0, length - shift).flatten(2)
            second = features.narrow(axis, shift, length - shift).flatten(2)
            directions.append(torch.bmm(first, second.transpose(1, 2)).float() / first.shape[2])
        return torch.stack(directions, 1)


class Histogram:
    """The Gram matrix, and the histogram of each channel (Risser 2017, section 4.1).

    To move each value to where it stands in the painting's histogram is the same as to compare the sorted
    values with the painting's quantiles. As there, the Gram matrix is matched too.
    """

    def describe(self, paintings: Sequence[Tensor], shares: Sequence[float] | None = None) -> Tensor:
        """1×N×(N + `QUANTILES`): Gram matrix and quantiles; see `StyleStatistic.describe`."""
        quantiles = _together([_quantiles(each) for each in paintings], shares)
        return torch.cat((Gram().describe(paintings, shares), quantiles), 2)

    def distance(self, features: Tensor, wanted: Tensor) -> Tensor:
        """Half of each, relative to its own energy; see `StyleStatistic.distance`."""
        gram, quantiles = wanted.split((wanted.shape[1], QUANTILES), 2)
        by_gram = (gram_matrix(features) - gram).square().sum((1, 2)) / gram.square().sum((1, 2))
        moved = (_quantiles(features) - quantiles).square().sum((1, 2))
        return 0.5 * by_gram + 0.5 * moved / quantiles.square().sum((1, 2)).clamp_min(1e-12)


class LinearMMD:
    """Means of channels: maximum mean discrepancy with the kernel xᵀy (Li 2017, section 4.1)."""

    def describe(self, paintings: Sequence[Tensor], shares: Sequence[float] | None = None) -> Tensor:
        """1×N; see `StyleStatistic.describe`."""
        return _together([_means(each) for each in paintings], shares)

    def distance(self, features: Tensor, wanted: Tensor) -> Tensor:
        """‖μ − ν‖² / N; see `StyleStatistic.distance`."""
        return (_means(features) - wanted).square().mean(1)


class PolynomialMMD:
    """Maximum mean discrepancy with the kernel (xᵀy + c)² (Li 2017, section 4.1).

    That is the distance of Gram matrices, which c = 0 alone would give, and 2 c times that of the means. c
    is the painting's mean of xᵀx, so that both count.
    """

    def describe(self, paintings: Sequence[Tensor], shares: Sequence[float] | None = None) -> Tensor:
        """1×N×(N + 1): Gram matrix and means; see `StyleStatistic.describe`."""
        means = LinearMMD().describe(paintings, shares)[..., None]
        return torch.cat((Gram().describe(paintings, shares), means), 2)

    def distance(self, features: Tensor, wanted: Tensor) -> Tensor:
        """See `StyleStatistic.distance`."""
        gram, means = wanted[..., :-1], wanted[..., -1]
        constant = gram.diagonal(dim1=1, dim2=2).sum(1)
        by_gram = (gram_matrix(features) - gram).square().sum((1, 2))
        return by_gram + 2 * constant * (_means(features) - means).square().sum(1)


class GaussianMMD:
    """Maximum mean discrepancy with the kernel exp(−‖x − y‖² / 2σ²) (Li 2017, section 4.1).

    Over `SAMPLES` places of each, the same at every call. σ² is the mean squared distance of the
    painting's samples, as there.
    """

    def describe(self, paintings: Sequence[Tensor], shares: Sequence[float] | None = None) -> Tensor:
        """1×`SAMPLES`×N; see `StyleStatistic.describe`."""
        if shares is not None:
            counts = _counts(shares)
            chosen = [
                _samples(_repeated(each.flatten(2)))[:, :count]
                for each, count in zip(paintings, counts, strict=True)
            ]
            return torch.cat(chosen, 1)
        joined = torch.cat([each.flatten(2) for each in paintings], 2)
        # Styles are kept in one tensor: a tiny painting's places count several times.
        return _samples(_repeated(joined))

    def distance(self, features: Tensor, wanted: Tensor) -> Tensor:
        """MMD², 0..2; see `StyleStatistic.distance`."""
        found = _samples(features.flatten(2))
        within = torch.cdist(wanted, wanted).square()
        scale = 2 * within.mean((1, 2), keepdim=True).clamp_min(1e-12)

        def kernel(x: Tensor, y: Tensor) -> Tensor:
            # Of x and y alike: cdist has no gradient where a distance is 0.
            squares = x.square().sum(2)[..., None] + y.square().sum(2)[:, None] - 2 * x @ y.transpose(1, 2)
            return torch.exp(-squares.clamp_min(0) / scale).mean((1, 2))

        return (kernel(found, found) + kernel(wanted, wanted) - 2 * kernel(found, wanted)).clamp_min(0)


STYLE_LOSSES: dict[str, StyleStatistic] = {
    "gram": Gram(),
    "shifted": ShiftedGram(),
    "histogram": Histogram(),
    "mmd-linear": LinearMMD(),
    "mmd-gaussian": GaussianMMD(),
    "mmd-poly": PolynomialMMD(),
}
"""By the name that `vst train --style-loss` takes."""


def _together(statistics: Sequence[Tensor], shares: Sequence[float] | None) -> Tensor:
    """The mean of the paintings' statistics."""
    stacked = torch.stack(list(statistics))
    if shares is None:
        return stacked.mean(0)
    return torch.tensordot(stacked.new_tensor(shares), stacked, 1)


def _counts(shares: Sequence[float]) -> list[int]:
    """How many of `SAMPLES` places come from each painting."""
    ends = [round(SAMPLES * sum(shares[: number + 1])) for number in range(len(shares))]
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]


def _repeated(maps: Tensor) -> Tensor:
    """Places 1×N×M often enough for `SAMPLES`."""
    return maps.repeat(1, 1, -(-SAMPLES // maps.shape[2]))


def _means(features: Tensor) -> Tensor:
    """B×N, in fp32."""
    return features.float().mean((2, 3))


def _quantiles(features: Tensor) -> Tensor:
    """`QUANTILES` of each channel, B×N×`QUANTILES`, in fp32: means of equal shares of the sorted values."""
    ordered = features.float().flatten(2).sort(2).values
    return F.adaptive_avg_pool1d(ordered, QUANTILES)


def _samples(maps: Tensor) -> Tensor:
    """At most `SAMPLES` places of B×N×M, B×places×N, in fp32."""
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randperm(maps.shape[2], generator=generator)[:SAMPLES].to(maps.device)
    return maps[..., chosen].float().transpose(1, 2)
