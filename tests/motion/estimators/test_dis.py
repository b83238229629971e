from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from vst.motion.estimators.dis import DisEstimator


def test_flow_points_from_a_to_the_matching_pixels_of_b(make_world):
    world = make_world(camera=lambda t: (3.0 * t, -2.0 * t, 1.0))
    flow = DisEstimator().estimate(world.frame(1), world.frame(0))
    error = (flow - world.flow(1, 0)).norm(dim=0)[10:-10, 10:-10]
    assert error.mean() < 0.1
    assert flow[0, 10:-10, 10:-10].mean() == pytest.approx(3, abs=0.1)
    assert flow[1, 10:-10, 10:-10].mean() == pytest.approx(-2, abs=0.1)


def test_a_pair_is_both_directions(make_world):
    world = make_world(camera=lambda t: (3.0 * t, 0.0, 1.0))
    a, b = world.frame(0), world.frame(1)
    dis = DisEstimator()
    there, back = dis.estimate_pair(a, b)
    assert torch.equal(back, dis.estimate(b, a))
    # The first begins from the second, which leaves no more than a refinement between it and a search.
    difference = (there - dis.estimate(a, b)).norm(dim=0)
    assert 0 < difference.mean() < 0.05


def test_both_directions_are_searched_where_motion_cannot_be_turned_round():
    generator = torch.Generator().manual_seed(0)
    a = F.avg_pool2d(torch.rand(1, 3, 260, 260, generator=generator), 5, stride=1)[0]
    blocks = F.unfold(a[None], 32, stride=32)
    b = F.fold(blocks[..., torch.randperm(64, generator=generator)], 256, 32, stride=32)[0]
    dis = DisEstimator()
    there, back = dis.estimate_pair(a, b)
    assert torch.equal(there, dis.estimate(a, b))
    assert torch.equal(back, dis.estimate(b, a))


@pytest.mark.parametrize(
    ("height", "width"),
    [(1, 1), (3, 2), (15, 17), (16, 16), (33, 31), (8, 200), (200, 8), (12, 400), (119, 161)],
)
def test_flow_is_finite_and_reproducible_at_any_size(make_world, height, width):
    world = make_world(camera=lambda t: (1.0 * t, 0.0, 1.0), height=height, width=width)
    a, b = world.frame(0), world.frame(1)
    flow = DisEstimator().estimate(a, b)
    assert flow.shape == (2, height, width)
    assert flow.dtype == torch.float32
    assert flow.isfinite().all()
    used = DisEstimator()
    used.estimate(torch.rand(3, 90, 70), torch.rand(3, 90, 70))
    assert torch.equal(used.estimate(a, b), flow), "what was estimated before leaves no trace"


def test_values_outside_of_0_to_1_are_clamped(make_world):
    a, b = make_world().frame(0), make_world().frame(0).roll(2, -1)
    wild_a, wild_b = a.clone(), b.clone()
    wild_a[:, 40:60], wild_b[:, 40:60] = -0.7, -0.7
    wild_a[:, 80:90], wild_b[:, 80:90] = 1.9, 1.9
    dis = DisEstimator()
    assert torch.equal(dis.estimate(wild_a, wild_b), dis.estimate(wild_a.clamp(0, 1), wild_b.clamp(0, 1)))


def test_a_prepared_frame_replaces_the_picture_and_takes_one_byte_per_pixel(make_world):
    world = make_world(camera=lambda t: (2.0 * t, 0.0, 1.0))
    a, b = world.frame(0), world.frame(1)
    dis = DisEstimator()
    kept = dis.prepare(a)
    assert kept.shape == (1, 120, 160)
    assert kept.dtype == torch.uint8
    assert torch.equal(dis.estimate(b, kept), dis.estimate(b, a))


def test_frames_of_different_size_are_refused():
    with pytest.raises(ValueError, match="one size"):
        DisEstimator().estimate(torch.rand(3, 40, 40), torch.rand(3, 40, 41))


def test_an_unknown_preset_is_refused():
    with pytest.raises(ValueError, match="slow"):
        DisEstimator("slow")  # type: ignore[arg-type]
