"""Paint wears by being resampled, and is renewed place by place."""

from __future__ import annotations

import pytest
import torch

from vst.motion.refresh import FADE, MAX_AGE, refresh_share


def field(x, y, height=64, width=96):
    return torch.tensor((x, y), dtype=torch.float32).view(2, 1, 1).expand(2, height, width).contiguous()


def test_what_stands_still_or_moves_by_whole_pixels_never_wears():
    worn, trusted = None, torch.ones(1, 64, 96)
    for flow in (field(0, 0), field(3, -2), field(0, 0)):
        worn, fresh = refresh_share(flow, trusted, worn)
    assert worn.max() < 1e-5
    assert not fresh.any()


def test_half_a_pixel_wears_by_one_a_frame_and_what_is_not_trusted_is_new():
    trusted = torch.ones(1, 64, 96)
    trusted[..., :10] = 0
    worn, _ = refresh_share(field(0.5, 0.5), trusted, None)
    torch.testing.assert_close(worn, trusted)


def test_each_place_is_renewed_in_its_turn_and_not_all_at_once():
    worn, trusted = None, torch.ones(1, 64, 96)
    shares, renewed = [], torch.zeros(1, 64, 96)
    for _ in range(round(1.6 * MAX_AGE) + FADE):
        # By 0.4 pixels, which is rounded to none: the age stays in its square.
        worn, fresh = refresh_share(field(0.0, 0.4), trusted, worn)
        assert not worn[fresh == 1].any()
        shares.append((fresh > 0).float().mean().item())
        renewed = torch.maximum(renewed, fresh)
    assert (renewed == 1).all()
    assert max(shares) < 0.5
    assert worn.max() <= 1.5 * MAX_AGE


def test_worn_paint_gives_way_in_equal_steps():
    worn, trusted = torch.full((1, 64, 96), 2 * MAX_AGE), torch.ones(1, 64, 96)
    left, steps = 1.0, []
    for _ in range(FADE):
        worn, fresh = refresh_share(field(0.0, 0.5), trusted, worn)
        assert fresh.min() == fresh.max()
        steps.append(left * fresh.max().item())
        left -= steps[-1]
    assert steps == pytest.approx([1 / FADE] * FADE)
    assert not worn.any()
    _, fresh = refresh_share(field(0.0, 0.5), trusted, worn)
    assert not fresh.any()


def test_flow_that_stretches_wears_paint_and_an_outline_wears_it_out_no_faster_than_in_some_frames():
    shift = field(3, 0)
    shift[0, :, 48:] = torch.arange(3, 51)
    stretched, _ = refresh_share(shift, torch.ones(1, 64, 96), None)
    assert stretched[0, :, :40].max() < 1e-5
    assert 1 < stretched[0, :, 52:].min() <= stretched.max() < 0.5 * MAX_AGE


def test_wear_travels_with_the_paint():
    earlier = torch.zeros(1, 64, 96)
    earlier[..., 20:30, 20:30] = 3
    worn, _ = refresh_share(field(-5, 0), torch.ones(1, 64, 96), earlier)
    assert abs(worn[0, 25, 30] - 3) < 1e-6
    assert worn[0, 25, 22] < 1e-6
