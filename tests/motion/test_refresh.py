"""A stylization ages by being resampled, and is refreshed square by square."""

from __future__ import annotations

import pytest
import torch

from vst.motion.refresh import FADE, MAX_AGE, refresh_share


def field(x, y, height=64, width=96):
    return torch.tensor((x, y), dtype=torch.float32).view(2, 1, 1).expand(2, height, width).contiguous()


def test_static_content_and_motion_by_whole_pixels_never_age():
    age, trusted = None, torch.ones(1, 64, 96)
    for flow in (field(0, 0), field(3, -2), field(0, 0)):
        age, share = refresh_share(flow, trusted, age)
    assert age.max() < 1e-5
    assert not share.any()


def test_half_a_pixel_ages_by_one_per_frame_and_untrusted_pixels_are_fresh():
    trusted = torch.ones(1, 64, 96)
    trusted[..., :10] = 0
    age, _ = refresh_share(field(0.5, 0.5), trusted, None)
    torch.testing.assert_close(age, trusted)


def test_squares_are_refreshed_at_different_times():
    age, trusted = None, torch.ones(1, 64, 96)
    shares, refreshed = [], torch.zeros(1, 64, 96)
    flow = field(0.0, 0.4)  # the nearest pixel stays the same, so each square ages by itself
    for _ in range(round(1.6 * MAX_AGE) + FADE):
        age, share = refresh_share(flow, trusted, age)
        assert not age[share == 1].any()
        shares.append((share > 0).float().mean().item())
        refreshed = torch.maximum(refreshed, share)
    assert (refreshed == 1).all()
    assert max(shares) < 0.5
    assert age.max() <= 1.5 * MAX_AGE


def test_a_square_is_refreshed_in_equal_steps():
    age, trusted = torch.full((1, 64, 96), 2 * MAX_AGE), torch.ones(1, 64, 96)
    left, steps = 1.0, []
    for _ in range(FADE):
        age, share = refresh_share(field(0.0, 0.5), trusted, age)
        assert share.min() == share.max()
        steps.append(left * share.max().item())
        left -= steps[-1]
    assert steps == pytest.approx([1 / FADE] * FADE)
    assert not age.any()
    _, share = refresh_share(field(0.0, 0.5), trusted, age)
    assert not share.any()


def test_stretching_flow_adds_age_and_outlines_are_not_refreshed_at_every_frame():
    shift = field(3, 0)
    shift[0, :, 48:] = torch.arange(3, 51)
    age, _ = refresh_share(shift, torch.ones(1, 64, 96), None)
    assert age[0, :, :40].max() < 1e-5
    assert 1 < age[0, :, 52:].min() <= age.max() < 0.5 * MAX_AGE


def test_the_age_is_warped_with_the_stylization():
    earlier = torch.zeros(1, 64, 96)
    earlier[..., 20:30, 20:30] = 3
    age, _ = refresh_share(field(-5, 0), torch.ones(1, 64, 96), earlier)
    assert abs(age[0, 25, 30] - 3) < 1e-6
    assert age[0, 25, 22] < 1e-6
