"""Measures of pictures that means hide."""

from __future__ import annotations

import pytest
import torch

from benchmarks.picture_measures import flat, grid, rim_losses
from vst.losses.perceptual import style_targets


def noise(height, width, seed=0):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


class Raw(torch.nn.Module):
    layers = ("relu1_2", "relu3_3")

    def forward(self, images, wanted):
        return dict.fromkeys(wanted, images)


def half_noise(height, width):
    picture = noise(height, width)
    picture[..., : width // 2] = 0.5
    return picture


def test_flat_counts_only_where_the_photograph_is_plain():
    photo = half_noise(96, 192)
    assert flat(photo, half_noise(96, 192), noise(96, 96)) == pytest.approx(0, abs=1e-3)
    assert flat(photo, half_noise(96, 192).flip(-1), noise(96, 96, 1)) == pytest.approx(1, abs=0.1)


def test_the_windows_of_flat_grow_with_the_picture():
    small, large = half_noise(96, 192), half_noise(960, 1920)
    for photo in (small, large):
        assert flat(photo, photo, noise(96, 96)) < 1e-3


def test_a_chequerboard_is_uneven_and_noise_is_not():
    board = torch.zeros(1, 64, 64)
    board[:, ::4, ::4] = 1
    assert grid(board.expand(3, -1, -1)) > 0.5
    assert grid(noise(256, 256)) < 0.05


def test_a_rim_of_another_kind_is_found():
    photo, painting = noise(200, 300), noise(64, 64, 1)
    grams = style_targets(Raw(), [painting], ("relu1_2",))
    even = (photo * 0.8).clone()
    content, style = rim_losses(Raw(), photo, even, grams)
    assert content == pytest.approx(1, abs=0.05)
    assert style == pytest.approx(1, abs=0.2)
    even[:, :16] = 0
    content, style = rim_losses(Raw(), photo, even, grams)
    assert content > 3
    assert style > 1.2
