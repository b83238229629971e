"""Whether hidden regions come back with the same colours, under exact and under estimated motion."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vst.evaluate import Curves, SceneReappearance, reappearance_error
from vst.frame import Motion
from vst.synthetic import create_scene

H, W = 8, 10


def constant(value: float) -> Tensor:
    return torch.full((3, H, W), value)


def motion(distance: int, columns: slice) -> Motion:
    """No motion, trusted in some columns."""
    mask = torch.zeros(1, H, W)
    mask[..., columns] = 1
    return Motion(torch.zeros(2, H, W), mask, distance)


def test_pixels_hidden_one_frame_back_count_at_the_nearest_distance_that_shows_them() -> None:
    curves = Curves()
    for t, value in enumerate((0.0, 0.2, 0.4, 0.6, 1.0)):
        motions = {}
        if t == 4:
            # Columns 0..4 are seen in the last frame, 5..6 two frames back, 5..9 four frames back.
            motions = {1: motion(1, slice(0, 5)), 2: motion(2, slice(4, 7)), 4: motion(4, slice(5, 10))}
        curves.add(constant(value), None, new_shot=t == 0, motions=motions)
    *before, last = curves.points
    assert not any("reappearance" in point.values for point in before)
    assert last.weights["reappearance"] == 5 * H
    expected = (2 * (1.0 - 0.4) ** 2 + 3 * (1.0 - 0.0) ** 2) / 5
    assert last.values["reappearance"] == pytest.approx(expected, abs=0.01)
    assert curves.summary().mean["reappearance"] == last.values["reappearance"]


def test_the_mean_over_a_clip_is_per_pixel() -> None:
    curves = Curves()
    for t, (value, hidden) in enumerate(((0.0, 0), (0.0, 0), (0.5, 1), (1.0, 4))):
        motions = {1: motion(1, slice(0, W - hidden)), 2: motion(2, slice(0, W))}
        curves.add(constant(value), None, new_shot=t == 0, motions=motions)
    # One column differs by 0.5 from two frames back, then four columns by 1.
    assert curves.summary().mean["reappearance"] == pytest.approx((1 * 0.25 + 4 * 1.0) / 5, abs=0.01)


def test_nothing_is_compared_across_a_cut() -> None:
    curves = Curves()
    for t in range(4):
        motions = {1: motion(1, slice(0, 5)), 2: motion(2, slice(0, 10))}
        curves.add(constant(t / 10), None, new_shot=t in (0, 2), motions={} if t == 2 else motions)
    assert "reappearance" not in curves.summary().mean


def test_reappearance_is_the_error_by_pixel_of_the_region() -> None:
    before, after = torch.full((3, 4, 5), 0.2), torch.full((3, 4, 5), 0.5)
    region = torch.zeros(1, 4, 5)
    region[0, 1, 1:3] = 1
    assert reappearance_error(before, after, torch.zeros(2, 4, 5), region) == pytest.approx(0.09)
    assert math.isnan(reappearance_error(before, after, torch.zeros(2, 4, 5), torch.zeros(1, 4, 5)))


def test_a_region_that_comes_back_unchanged_has_no_error_and_one_in_other_colours_has() -> None:
    gap = 4
    scene = create_scene("hidden", width=128, height=72, frames=16, gap=gap)
    other = torch.rand(3, 72, 128, generator=torch.Generator().manual_seed(0))
    unchanged, changed = SceneReappearance(gap), SceneReappearance(gap)
    for t in range(16):
        region = scene.reappearing(t, gap, margin=1.0)
        flow = scene.flow(t, t - gap - 1) if region.any() else None
        clean = scene.clean(t)
        unchanged.step(clean, flow, region)
        changed.step(torch.where(region > 0.5, other, clean), flow, region)
    assert unchanged.pixels == changed.pixels > 200
    assert unchanged.error < 2e-3
    assert changed.error > 0.05


def test_without_a_region_the_error_is_not_a_number() -> None:
    measure = SceneReappearance(2)
    for _ in range(6):
        assert math.isnan(measure.step(torch.zeros(3, 4, 4), torch.zeros(2, 4, 4), torch.zeros(1, 4, 4)))
    assert math.isnan(measure.error)
    assert measure.pixels == 0
    with pytest.raises(ValueError, match="at least 1"):
        SceneReappearance(0)
