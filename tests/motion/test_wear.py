"""Paint wears by being resampled, and is renewed place by place."""

from __future__ import annotations

import torch

from vst.motion.wear import WORN, wear


def field(x, y, height=64, width=96):
    return torch.tensor((x, y), dtype=torch.float32).view(2, 1, 1).expand(2, height, width).contiguous()


def test_what_stands_still_or_moves_by_whole_pixels_never_wears():
    worn, trusted = None, torch.ones(1, 64, 96)
    for flow in (field(0, 0), field(3, -2), field(0, 0)):
        worn, fresh = wear(flow, trusted, worn)
    assert worn.max() < 1e-5
    assert not fresh.any()


def test_half_a_pixel_wears_by_one_a_frame_and_what_is_not_trusted_is_new():
    trusted = torch.ones(1, 64, 96)
    trusted[..., :10] = 0
    worn, _ = wear(field(0.5, 0.5), trusted, None)
    torch.testing.assert_close(worn, trusted)


def test_each_place_is_renewed_in_its_turn_and_not_all_at_once():
    worn, trusted = None, torch.ones(1, 64, 96)
    shares, renewed = [], torch.zeros(1, 64, 96)
    frames = round(1.5 * WORN) + 1
    for _ in range(frames):
        worn, fresh = wear(field(0.0, 0.5), trusted, worn)
        assert not worn[fresh > 0].any()
        shares.append(fresh.mean().item())
        renewed = torch.maximum(renewed, fresh)
    assert renewed.mean() > 0.9  # paint that comes in from a square just renewed may have its time left
    assert max(shares) < 0.4
    assert worn.max() <= 1.5 * WORN


def test_wear_travels_with_the_paint():
    earlier = torch.zeros(1, 64, 96)
    earlier[..., 20:30, 20:30] = 3
    worn, _ = wear(field(-5, 0), torch.ones(1, 64, 96), earlier)
    assert abs(worn[0, 25, 30] - 3) < 1e-6
    assert worn[0, 25, 22] < 1e-6
