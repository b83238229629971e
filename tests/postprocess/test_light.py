"""The stylized frame follows the clip's light."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from vst.postprocess.light import follow_light

STYLIZED = torch.rand(3, 12, 16, generator=torch.Generator().manual_seed(0))


def frame(level, size=(12, 16)):
    return torch.full((3, *size), float(level))


def test_a_black_frame_is_black_and_a_white_frame_white():
    assert follow_light(STYLIZED, frame(0)).abs().max() == 0
    assert (1 - follow_light(STYLIZED, frame(1))).abs().max() < 1e-6


@pytest.mark.parametrize("level", [0.25, 0.3, 0.5, 0.7, 0.85])
def test_ordinary_light_changes_less_than_a_hundredth(level):
    assert (follow_light(STYLIZED, frame(level)) - STYLIZED).abs().max() < 0.01


def test_a_fade_is_monotone_and_ends_in_proportion_to_the_light():
    means = [float(follow_light(STYLIZED, frame(0.24 * step / 40)).mean()) for step in range(40, -1, -1)]
    assert all(after < before for before, after in pairwise(means))
    assert means[-4] == pytest.approx(means[-2] * 3, rel=1e-3)


def test_most_frames_are_left_as_they_are():
    assert all(follow_light(STYLIZED, frame(level)) is STYLIZED for level in (0.3, 0.4, 0.6, 0.8))


def test_a_dim_frame_stays_dim():
    assert float(follow_light(STYLIZED, frame(0.1)).mean()) < 0.6 * float(STYLIZED.mean())


def test_the_frame_may_have_another_size_and_leave_the_range():
    bright = follow_light(STYLIZED, frame(4.0, (3, 5)))
    assert bright.shape == STYLIZED.shape
    assert (1 - bright).abs().max() < 1e-6
    assert follow_light(STYLIZED, frame(-0.1)).abs().max() == 0


def test_stylized_frames_stay_within_the_range():
    for level in torch.linspace(0, 1, 50).tolist():
        out = follow_light(torch.tensor([0.0, 1.0]).repeat(3, 2, 1), frame(level))
        assert out.min() >= 0
        assert out.max() <= 1
