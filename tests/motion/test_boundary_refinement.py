"""Flow at motion boundaries: outlines move with what they outline."""

from __future__ import annotations

import numpy as np
import pytest

from vst.motion.boundary_refinement import refine_boundaries
from vst.motion.estimators.dis import DisEstimator
from vst.motion.fields import luma_of, to_array
from vst.synthetic import create_scene


def test_flow_without_a_boundary_is_returned_as_it_is():
    flow = np.full((48, 64, 2), 3.0, np.float32)
    image = np.random.default_rng(0).integers(0, 255, (48, 64), np.uint8)
    assert refine_boundaries(flow, image, image) is flow


@pytest.fixture
def moved():
    """A textured thing that moves by 8 pixels: two frames, exact flow, and where it can be known."""
    rng = np.random.default_rng(1)
    ground, thing = rng.integers(0, 120, (96, 128), np.uint8), rng.integers(130, 255, (30, 30), np.uint8)
    a, b = ground.copy(), ground.copy()
    a[30:60, 40:70], b[30:60, 48:78] = thing, thing
    exact = np.zeros((96, 128, 2), np.float32)
    exact[30:60, 40:70, 0] = 8
    # What the thing hides in b has no match there.
    seen = np.ones((96, 128), bool)
    seen[30:60, 70:78] = False
    return a, b, exact, seen


@pytest.mark.parametrize("light", [1.0, 0.1])
def test_flow_that_bleeds_over_an_outline_is_drawn_back(moved, light):
    a, b, exact, seen = moved
    a, b = ((each * light).astype(np.uint8) for each in (a, b))
    bled = np.zeros_like(exact)
    bled[26:64, 36:74, 0] = 8
    found = refine_boundaries(bled, a, b)

    def wrong(flow):
        return (np.abs(flow - exact).max(-1) > 1)[seen].mean()

    assert wrong(found) < wrong(bled) / 4


def test_flow_that_fits_on_both_sides_of_an_outline_stays():
    b = np.random.default_rng(1).integers(0, 255, (96, 128), np.uint8)
    flow = np.zeros((96, 128, 2), np.float32)
    flow[:, 40:70, 0] = 8
    a = b.copy()
    a[:, 40:70] = b[:, 48:78]
    assert refine_boundaries(flow, a, b) is flow


@pytest.mark.parametrize("name", ["crossing", "hidden"])
def test_dis_follows_outlines_better_with_it(name):
    scene = create_scene(name, width=320, height=180, frames=3)
    a, b = scene.frame(1), scene.frame(0)
    exact, seen = to_array(scene.flow(1, 0)), to_array(scene.visible(1, 0))[..., 0] > 0
    estimator = DisEstimator("medium")
    plain = to_array(estimator.estimate(a, b))
    refined = refine_boundaries(plain, luma_of(a), luma_of(b))

    def error(flow):
        return np.linalg.norm(flow - exact, axis=-1)[seen].mean()

    assert error(refined) < 0.9 * error(plain)


def test_any_size_is_accepted():
    rng = np.random.default_rng(2)
    for height, width in ((1, 1), (7, 200), (97, 95), (33, 193)):
        flow = rng.normal(0, 4, (height, width, 2)).astype(np.float32)
        image = rng.integers(0, 255, (height, width), np.uint8)
        found = refine_boundaries(flow, image, image)
        assert found.shape == flow.shape
        assert np.isfinite(found).all()
