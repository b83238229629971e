"""Synthetic scenes: their flow and occlusion are exact, and they are the same every time."""

from __future__ import annotations

import pickle
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor

from vst.errors import UsageError
from vst.motion import inside, warp
from vst.synthetic import PRESETS, Scene, SceneConfig, create_scene
from vst.synthetic.paths import STILL, Camera, Pose, Shuttle, Wave
from vst.synthetic.shapes import Blob, Ellipse, Polygon, rectangle
from vst.synthetic.world import SceneLayer, World

SMALL = SceneConfig(width=96, height=72, frames=12, objects=4, pan=0.8, seed=3)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(SMALL)


def psnr(a: Tensor, b: Tensor, mask: Tensor) -> float:
    error = (mask * (a - b) ** 2).sum() / (3 * mask.sum())
    return float(-10 * torch.log10(error))


def test_a_frame_is_a_picture_of_the_size_asked_for(scene: Scene) -> None:
    image = scene.frame(5)
    assert image.shape == (3, 72, 96)
    assert image.dtype == torch.float32
    assert 0 <= image.min() < 0.2 < 0.7 < image.max() <= 1


@pytest.mark.parametrize(("t", "s"), [(1, 0), (5, 4), (4, 5), (9, 1), (0, 8)])
def test_an_earlier_or_later_frame_warped_by_the_flow_is_the_frame(scene: Scene, t: int, s: int) -> None:
    warped = warp(scene.clean(s), scene.flow(t, s))
    mask = scene.visible(t, s, margin=2.0)
    assert mask.mean() > 0.3
    unmoved = psnr(scene.clean(s), scene.clean(t), mask)
    assert psnr(warped, scene.clean(t), mask) > max(34.0, unmoved + 6)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_exact_flow(name: str) -> None:
    scene = create_scene(name, width=160, height=90, frames=20)
    warped = warp(scene.clean(3), scene.flow(4, 3))
    assert psnr(warped, scene.clean(4), scene.visible(4, 3, margin=2.0)) > 36
    assert scene.visible(4, 3).mean() > 0.9


def test_flow_of_a_frame_to_itself_is_zero_and_everything_is_visible(scene: Scene) -> None:
    assert not scene.flow(7, 7).any()
    assert scene.visible(7, 7).all()


def test_there_and_back_again_is_where_it_started(scene: Scene) -> None:
    there, back = scene.flow(8, 2), scene.flow(2, 8)
    closed = there + warp(back, there, mode="bilinear")
    mask = scene.visible(8, 2, margin=2.0).bool()[0]
    assert closed.square().sum(0).sqrt()[mask].max() < 0.02


def test_two_steps_make_one_long_step(scene: Scene) -> None:
    near = scene.flow(6, 5)
    both = near + warp(scene.flow(5, 3), near, mode="bilinear")
    mask = (scene.visible(6, 5, margin=2.0) * scene.visible(6, 3, margin=2.0)).bool()[0]
    assert (both - scene.flow(6, 3)).abs()[:, mask].max() < 0.02


def test_a_pan_moves_the_background_by_the_camera_and_near_things_faster() -> None:
    scene = create_scene("pan", width=128, height=96, frames=6)
    flow, ids = scene.flow(3, 2), scene.layers(3)[0]
    assert torch.allclose(flow[:, ids == 0], torch.tensor([[1.7], [0.4]]), atol=1e-4)
    assert (ids > 0).any()
    assert flow[0, ids > 0].min() > 1.7 * 1.1


def test_a_zoom_spreads_from_the_middle() -> None:
    scene = create_scene("zoom", width=65, height=65, frames=6)
    flow = scene.flow(3, 0)
    factor = 1 - 1.5 ** (-3 / 80)
    expected = -(torch.arange(65.0) - 32) * factor
    assert torch.allclose(flow[0, 32], expected, atol=1e-4)
    assert torch.allclose(flow[1, :, 32], expected, atol=1e-4)


def test_the_mask_of_a_motion_is_the_visibility(scene: Scene) -> None:
    motion = scene.motion(6, 2)
    assert motion.distance == 2
    assert torch.equal(motion.flow, scene.flow(6, 4))
    assert torch.equal(motion.mask, scene.visible(6, 4))
    assert motion.mask.shape == (1, 72, 96)


def test_motions_reach_back_to_the_beginning_of_the_shot_only() -> None:
    scene = Scene(replace(SMALL, cut=6))
    assert set(scene.motions(5, (1, 2, 4, 8))) == {1, 2, 4}
    assert set(scene.motions(7, (1, 2, 4, 8))) == {1}
    assert scene.motions(6, (1, 2)) == {}
    with pytest.raises(IndexError, match="frame -1"):
        scene.motion(1, 2)


# A world small enough to reckon by hand: a 10×10 square goes right at 3 pixels a frame over a still wall.


def square_world() -> Scene:
    config = SceneConfig(width=48, height=32, frames=8, objects=1, lighting=0, noise=0)
    rng = np.random.default_rng(0)
    wall = SceneLayer(rng.uniform(0, 1, (40, 60, 3)).astype(np.float32), Pose(Wave(23.5), Wave(15.5)))
    square = SceneLayer(
        np.full((16, 16, 3), 0.25, np.float32), Pose(Wave(10.2, rate=3.0), Wave(15.7)), rectangle(10, 10)
    )
    return Scene(config, (World((wall, square), Camera((23.5, 15.5))),))


def test_occlusion_is_what_one_reckons_by_hand() -> None:
    scene = square_world()
    # At frame t the square covers x within 5 of 10.2 + 3t: 6..15 at 0 and 9..18 at 1; y 11..20.
    ids = torch.zeros(1, 32, 48, dtype=torch.uint8)
    ids[0, 11:21, 9:19] = 1
    assert torch.equal(scene.layers(1), ids)
    visible = torch.ones(1, 32, 48)
    visible[0, 11:21, 6:9] = 0  # uncovered by the square since
    assert torch.equal(scene.visible(1, 0), visible)
    flow = torch.zeros(2, 32, 48)
    flow[0, 11:21, 9:19] = -3
    assert torch.equal(scene.flow(1, 0), flow)


def test_a_margin_leaves_out_what_is_near_an_outline_in_either_frame() -> None:
    scene = square_world()
    visible = scene.visible(1, 0, margin=1.5)[0]
    # The square is 8.2 .. 18.2 now: nothing between 6.7 and 9.7, or 16.7 and 19.7 ...
    assert visible[15].nonzero()[:, 0].tolist() == [0, 1, 2, 3, *range(10, 17), *range(20, 48)]
    # ... and it was 5.2 .. 15.2, so the wall at 4, 5 and 6 is left out too. Far above, all is well.
    assert visible[5].all()


def test_what_leaves_the_picture_is_not_visible() -> None:
    scene = create_scene("pan", width=64, height=48, frames=10)
    flow = scene.flow(0, 9)
    assert not (scene.visible(0, 9).bool() & ~inside(flow)).any()
    assert (~inside(flow)).any()


@pytest.mark.parametrize("gap", [2, 5, 8])
def test_the_hidden_preset_hides_a_region_for_exactly_the_gap(gap: int) -> None:
    scene = create_scene("hidden", width=160, height=90, frames=30, gap=gap)
    t = gap + 5
    region = scene.reappearing(t, gap)
    assert region.sum() > 50
    where = region.bool()
    assert scene.visible(t, t - gap - 1)[where].all()
    for s in range(t - gap, t):
        assert not scene.visible(t, s)[where].any()
    # All that appears at t and was seen before was away for that long, not less and not more.
    appeared = scene.visible(t, t - 1) == 0
    seen_before = appeared & inside(scene.flow(t, t - gap - 1)) & inside(scene.flow(t, t - 1))
    assert torch.equal(where, seen_before)


def test_nothing_reappears_before_it_could_have_been_hidden() -> None:
    assert not create_scene("hidden", width=96, height=64, frames=20).reappearing(8, 8).any()


def test_things_of_the_crossing_preset_hide_each_other_at_three_pixels_a_frame() -> None:
    scene = create_scene("crossing", width=160, height=120, frames=40)
    flow, ids = scene.flow(10, 9), scene.layers(10)[0]
    speeds = flow.square().sum(0).sqrt()
    assert not speeds[ids == 0].any()
    fast = [i for i in range(1, 6) if (ids == i).any() and speeds[ids == i].min() >= 2.99]
    assert len(fast) >= 4  # one may be turning round
    hidden_by_things = sum(
        int(((scene.visible(t, t - 1) == 0) & (scene.layers(t) > 0)).sum()) for t in range(1, 40)
    )
    assert hidden_by_things > 100


def test_nothing_but_light_and_noise_changes_in_the_still_preset() -> None:
    scene = create_scene("still_noisy", width=96, height=64, frames=10)
    assert (scene.clean(0) - scene.clean(9)).abs().max() < 1e-4
    assert scene.flow(9, 0).abs().max() < 1e-6
    assert not torch.equal(scene.frame(0), scene.frame(9))


def test_the_same_seed_gives_the_same_frames_and_another_one_others(scene: Scene) -> None:
    again = Scene(SMALL)
    assert torch.equal(again.frame(9), scene.frame(9))
    assert torch.equal(again.frame(2), scene.frame(2))  # in any order
    assert (Scene(replace(SMALL, seed=4)).clean(2) - scene.clean(2)).abs().mean() > 0.05


def test_a_pickled_scene_is_the_same_scene(scene: Scene) -> None:
    other = pickle.loads(pickle.dumps(scene))
    assert torch.equal(other.frame(4), scene.frame(4))
    assert torch.equal(other.flow(4, 2), scene.flow(4, 2))


def test_nothing_corresponds_across_a_cut() -> None:
    scene = Scene(replace(SMALL, cut=6))
    assert not scene.visible(6, 5).any()
    assert not scene.visible(5, 6).any()
    assert not scene.flow(6, 5).any()
    assert scene.visible(6, 7).any()
    assert (scene.clean(6) - scene.clean(5)).abs().mean() > 0.05
    assert [scene.shot(t) for t in (0, 5, 6, 11)] == [0, 0, 1, 1]
    assert [scene.shot_start(t) for t in (0, 5, 6, 11)] == [0, 0, 6, 6]


def test_noise_has_the_deviation_asked_for_and_is_new_in_every_frame() -> None:
    config = replace(SMALL, lighting=0, noise=0.02, pan=0, zoom=0)
    scene = Scene(config)
    residuals = []
    for t in (1, 2):
        clean = scene.clean(t)
        safe = (clean > 0.1) & (clean < 0.9)  # where nothing is clipped
        residual = torch.where(safe, scene.frame(t) - clean, torch.nan)
        good = residual[safe]
        assert abs(good.mean()) < 1e-3
        assert good.std() == pytest.approx(0.02, rel=0.05)
        residuals.append(residual)
    pair = torch.stack(residuals).flatten(1)
    pair = pair[:, ~pair.isnan().any(0)]
    assert abs(torch.corrcoef(pair)[0, 1]) < 0.05


def test_light_stays_within_its_limits_and_drifts_slowly() -> None:
    scene = Scene(replace(SMALL, lighting=0.1, noise=0, frames=60))
    lights = torch.stack([scene.light(t) for t in range(60)])
    assert (lights - 1).abs().max() <= 0.1 + 1e-6
    assert lights.std() > 0.01
    assert (lights[1:] - lights[:-1]).abs().max() < 0.02
    assert torch.allclose(scene.frame(7), (scene.clean(7) * lights[7]).clamp(0, 1))


def test_frames_come_with_exact_times() -> None:
    scene = Scene(replace(SMALL, rate=Fraction(30000, 1001), frames=5))
    frames = list(scene.frames())
    assert [f.index for f in frames] == [0, 1, 2, 3, 4]
    assert frames[3].time == Fraction(3003, 30000)
    assert frames[3].duration == Fraction(1001, 30000)
    assert torch.equal(frames[2].image, scene.frame(2))
    assert [f.index for f in scene.frames(1, 3)] == [1, 2]


def test_the_scene_with_a_cut_has_two_shots() -> None:
    scene = create_scene("cut")
    assert (len(scene), scene.config.width, scene.config.height) == (80, 640, 360)
    assert [t for t in range(80) if scene.shot_start(t) == t] == [0, 45]


def test_the_least_scene_is_a_background_of_a_few_pixels() -> None:
    scene = Scene(SceneConfig(width=8, height=8, frames=1, objects=0))
    assert scene.frame(0).shape == (3, 8, 8)
    assert not scene.layers(0).any()
    assert scene.motions(0, (1, 2)) == {}


def test_photographs_serve_as_textures() -> None:
    red = torch.zeros(3, 40, 50)
    red[0] = torch.rand(40, 50, generator=torch.Generator().manual_seed(0)) * 0.5 + 0.4
    image = Scene(replace(SMALL, textures=[red])).clean(3)
    assert image[0].std() > 0.02
    assert image[0].min() > 0.3
    assert image[1:].max() < 1e-5


def test_sharp_edges_are_one_pixel_wide() -> None:
    image = square_world().clean(0)
    row = image[0, 15]
    assert torch.allclose(row[6:15], torch.tensor(0.25))
    # 5.2 is the outline: pixel 5 is covered by 0.3, pixel 4 not at all.
    wall = square_world().clean(7)[0, 15]
    assert row[5] == pytest.approx(0.3 * 0.25 + 0.7 * float(wall[5]), abs=1e-5)
    assert row[4] == pytest.approx(float(wall[4]), abs=1e-6)


@pytest.mark.parametrize(
    "shape",
    [
        Ellipse(12.0, 7.0),
        rectangle(20, 8),
        Blob(10.0, (0.2, -0.1, 0.05), (0.3, 1.0, 2.0)),
        Polygon((0.0, 2.1, 4.2), (5.0, 6.0, 5.5)),
    ],
)
def test_a_shape_lies_within_its_radius_and_its_distance_has_slope_one(
    shape: Ellipse | Polygon | Blob,
) -> None:
    y, x = np.meshgrid(np.linspace(-30, 30, 601), np.linspace(-30, 30, 601), indexing="ij")
    d = shape.distance(x, y)
    assert (d <= 0).any()
    rho = np.hypot(x, y)
    assert rho[d <= 0].max() <= shape.radius + 1e-9
    assert rho[d <= 0].max() > 0.6 * shape.radius
    outline = np.abs(d) < 0.5
    gy, gx = np.gradient(d, 0.1)
    assert np.median(np.hypot(gx, gy)[outline]) == pytest.approx(1, abs=0.03)
    assert np.isfinite(d).all()


def test_a_shuttle_goes_to_and_fro_at_constant_speed() -> None:
    path = Shuttle(value=10, amplitude=6, period=8)
    assert [path.at(t) for t in range(9)] == [4, 7, 10, 13, 16, 13, 10, 7, 4]
    assert STILL.at(3) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"cut": 0},
        {"cut": 12},
        {"width": 4},
        {"frames": 0},
        {"objects": 300},
        {"min_size": 0.5},
        {"textures": []},
    ],
)
def test_a_recipe_that_is_invalid_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"expected|above"):
        replace(SMALL, **change)


def test_an_unknown_preset_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="did you mean 'crossing'"):
        create_scene("crosing")


def test_a_frame_outside_of_the_clip_is_refused(scene: Scene) -> None:
    with pytest.raises(IndexError, match="frame 12 of a scene with frames 0 to 11"):
        scene.frame(12)
