"""Tiles cover the frame, overlap, and are blended into the flow of the whole frame."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from vst.motion.estimators.flow_tiles import tiled_flow


def pictures(height: int, width: int) -> tuple[Tensor, Tensor]:
    first, second = torch.rand(2, 2, 3, height, width, generator=torch.Generator().manual_seed(0))
    return first, second


def pointwise(first: Tensor, second: Tensor) -> Tensor:
    return (first - second)[:, :2]


def local(first: Tensor, second: Tensor) -> Tensor:
    """Depends on five pixels around each, at a stride of four."""
    coarse = F.avg_pool2d(F.conv2d(first - 2 * second, torch.ones(2, 3, 3, 3) / 27, padding=1), 4)
    return F.interpolate(coarse, scale_factor=4, mode="nearest")


@pytest.mark.parametrize("size", [(64, 64), (64, 160), (160, 64), (96, 224), (192, 192)])
def test_tiles_do_not_change_the_flow_of_a_network_of_single_pixels(size):
    first, second = pictures(*size)
    flow = tiled_flow(pointwise, first, second, tile=64, overlap=16, multiple=16)
    torch.testing.assert_close(flow, pointwise(first, second), atol=1e-6, rtol=1e-6)


def test_away_from_seams_tiles_give_the_flow_of_the_whole_frame():
    first, second = pictures(64, 160)
    flow = tiled_flow(local, first, second, tile=64, overlap=16, multiple=4)
    whole = local(first, second)
    # Tiles begin at 0, 48 and 96; only there and at their ends does their surrounding differ.
    interior = torch.ones(160, dtype=torch.bool)
    for seam in (48, 64, 96, 112):
        interior[seam - 4 : seam + 4] = False
    torch.testing.assert_close(flow[..., interior], whole[..., interior], atol=1e-6, rtol=1e-6)
    assert not torch.equal(flow, whole)


def test_flow_is_blended_linearly_in_overlaps():
    values = iter((0.0, 1.0))

    def constant(first: Tensor, second: Tensor) -> Tensor:
        return torch.full_like(first[:, :2], next(values))

    first, second = pictures(8, 24)
    row = tiled_flow(constant, first, second, tile=16, overlap=8, multiple=8)[0, 0, 0]
    assert bool((row[:8] == 0).all())
    assert bool((row[16:] == 1).all())
    torch.testing.assert_close(row[8:16], (torch.arange(8) + 0.5) / 8)


def test_tiles_are_within_the_size_limit_and_begin_at_multiples():
    seen = []

    def network(first: Tensor, second: Tensor) -> Tensor:
        seen.append(first)
        return first[:, :2]

    x = torch.arange(13 * 16.0).expand(2, 3, 3 * 16, 13 * 16)
    flow = tiled_flow(network, x, x, tile=64, overlap=32, multiple=16)
    torch.testing.assert_close(flow, x[:, :2])
    assert all(max(each.shape[-2:]) <= 64 for each in seen)
    starts = [int(each[0, 0, 0, 0]) for each in seen]
    assert all(start % 16 == 0 for start in starts)
    assert all(b - a <= 32 for a, b in pairwise(starts))


def test_tiles_are_no_larger_than_necessary():
    seen = []

    def network(first: Tensor, second: Tensor) -> Tensor:
        seen.append(tuple(first.shape[-2:]))
        return first[:, :2]

    x = torch.rand(1, 3, 48, 80)
    torch.testing.assert_close(tiled_flow(network, x, x, tile=64, overlap=16, multiple=16), x[:, :2])
    assert seen == [(48, 48), (48, 48)]
