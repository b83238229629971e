"""Patches of features, and the patches of a painting that are most like them (Li & Wand 2016).

The style loss is Σ ‖Ψᵢ(F) − Ψ_NN(i)(A)‖² over the patches Ψ, k×k places of N channels each, where NN(i) is
the painting's patch with the **largest** normalised correlation. (The paper prints argmin in equation 3:
a slip, which would choose the patch that is least alike.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK_BYTES = 128 * 2**20
"""Of the painting's patches, and of the correlations with them, that are held at a time."""

_LEAST_LENGTH = 1e-6
"""Patches that are shorter are black, and like no other."""


@dataclass(frozen=True)
class PatchTargets:
    """What the places of a picture's features are drawn to.

    The sum over all patches that cover a place, Σ (x − tᵢ)², is n (x − t̄)² and a constant, so that the sum
    over patches needs no more memory than the features.

    Attributes:
        mean: t̄, 1×N×h×w: the mean of what the matching patches have at each place.
        count: n, 1×1×h×w: number of patches that cover it.
        spread: The constant at each place, 1×1×h×w: Σ (tᵢ − t̄)² over its patches.
        patches: Number of patches.
        matches: Index of the painting's patch for each, over all its pictures; in rows.
    """

    mean: Tensor
    count: Tensor
    spread: Tensor
    patches: int
    matches: Tensor

    def within(self, mask: Tensor) -> PatchTargets:
        """The same where each place counts as much as a mask, 1×1×h×w, 0..1, says."""
        return replace(self, count=self.count * mask, spread=self.spread * mask)

    def distance(self, features: Tensor) -> Tensor:
        """Σ ‖Ψᵢ(F) − Ψ_NN(i)‖² per patch: a scalar, for features 1×N×h×w."""
        near = (self.count * (features.float() - self.mean).square()).sum()
        return (near + self.spread.sum()) / self.patches


def match_patches(
    features: Tensor,
    painting: Sequence[Tensor],
    size: int = 3,
    stride: int = 2,
    *,
    valid: Sequence[Tensor | None] = (),
    chunk_bytes: int = CHUNK_BYTES,
) -> PatchTargets:
    """Find the painting's nearest patch for every patch of a picture.

    Args:
        features: Of the picture, 1×N×h×w. Patches beyond its border see the border repeated.
        painting: Features of the painting, and of turned or scaled copies of it, 1×N×·×· each; at least one
            is as large as a patch.
        size: k, 2 or more.
        stride: Places from one patch of the picture to the next, and likewise of the painting.
        valid: For each of `painting`, 1×1×·×·: a patch counts where all its places are 1; None: all do.
        chunk_bytes: What of the painting's patches and the correlations is held at a time, at most.

    Returns:
        Targets for the places of the features.
    """
    pictures = list(painting)
    masks = [*valid, *[None] * (len(pictures) - len(valid))]
    half = size // 2
    padded = F.pad(features.float(), (half, half, half, half), mode="replicate")
    rows = (padded.shape[-2] - size) // stride + 1
    columns = (padded.shape[-1] - size) // stride + 1
    best = padded.new_full((rows * columns,), -torch.inf)
    number = padded.new_zeros(rows * columns, dtype=torch.long)  # of the picture and its place
    bases = _bases(pictures)
    for picture, mask, base in zip(pictures, masks, bases, strict=True):
        most = max(1, chunk_bytes // (4 * max(picture.shape[1] * size**2, rows * columns)))
        for places in _places(picture, mask, size, stride, most):
            patches = _patches_at(picture, places, size)
            patches = patches / patches.flatten(1).norm(dim=1).clamp_min(_LEAST_LENGTH)[:, None, None, None]
            # The length of the picture's own patch changes nothing about which one is nearest.
            found, which = F.conv2d(padded, patches, stride=stride)[0].flatten(1).max(dim=0)
            better = found > best
            best = torch.where(better, found, best)
            number = torch.where(better, base + places[which], number)
    return _targets(features, pictures, bases, number.view(rows, columns), size, stride)


def patch_energy(painting: Tensor, size: int = 3, valid: Tensor | None = None) -> Tensor:
    """Mean ‖Ψ‖² of a painting's patches: a scalar, for features 1×N×h×w.

    With `valid`, 1×1×h×w, only places where it is 1 count.
    """
    lengths = painting.float().square().sum(1, keepdim=True)
    mean = lengths.mean() if valid is None else (lengths * valid).sum() / valid.sum()
    return mean * size**2


def _bases(pictures: Sequence[Tensor]) -> list[int]:
    """Where the places of each picture begin, if all are in one row."""
    found = [0]
    for each in pictures[:-1]:
        found.append(found[-1] + each.shape[-2] * each.shape[-1])
    return found


def _places(picture: Tensor, mask: Tensor | None, size: int, stride: int, most: int) -> Iterator[Tensor]:
    """The upper left corners of a picture's patches, row after row, some at a time."""
    height, width = picture.shape[-2:]
    if min(height, width) < size:
        return
    ys = torch.arange(0, height - size + 1, stride, device=picture.device)
    xs = torch.arange(0, width - size + 1, stride, device=picture.device)
    places = (ys[:, None] * width + xs[None, :]).flatten()
    if mask is not None:
        whole = -F.max_pool2d(-mask.float(), size, stride=1)[0, 0]
        places = places[whole[ys][:, xs].flatten() >= 1]
    if len(places):
        yield from places.split(most)


def _patches_at(picture: Tensor, places: Tensor, size: int) -> Tensor:
    """Patches with these corners, P×N×k×k."""
    width = picture.shape[-1]
    flat = picture[0].flatten(1)
    offsets = [dy * width + dx for dy in range(size) for dx in range(size)]
    found = torch.stack([flat[:, places + offset] for offset in offsets], dim=-1)
    return found.transpose(0, 1).unflatten(-1, (size, size)).float().contiguous()


def _targets(
    features: Tensor,
    pictures: Sequence[Tensor],
    bases: Sequence[int],
    number: Tensor,
    size: int,
    stride: int,
) -> PatchTargets:
    """The sums over the patches that cover each place."""
    height, width = features.shape[-2:]
    half = size // 2
    flat = torch.cat([each[0].flatten(1) for each in pictures], dim=1)
    starts = torch.tensor(bases, device=number.device)
    widths = torch.tensor([each.shape[-1] for each in pictures], device=number.device)
    row_length = widths[torch.bucketize(number, starts, right=True) - 1]
    total, squares, count = (
        torch.zeros(channels, height + 2 * half, width + 2 * half, device=flat.device)
        for channels in (len(flat), 1, 1)
    )
    for dy in range(size):
        for dx in range(size):
            values = flat[:, number + dy * row_length + dx].float()
            rows = slice(dy, dy + stride * (number.shape[0] - 1) + 1, stride)
            columns = slice(dx, dx + stride * (number.shape[1] - 1) + 1, stride)
            total[:, rows, columns] += values
            squares[:, rows, columns] += values.square().sum(0, keepdim=True)
            count[:, rows, columns] += 1
    inner = (slice(None), slice(half, half + height), slice(half, half + width))
    total, squares, count = total[inner], squares[inner], count[inner]
    mean = total / count.clamp_min(1)
    spread = (squares - count * mean.square().sum(0, keepdim=True)).clamp_min(0)
    return PatchTargets(mean[None], count[None], spread[None], number.numel(), number)
