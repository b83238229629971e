from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch

from vst.frame import Frame
from vst.motion import DISTANCES, Estimator, create_estimator, track


class Exact(Estimator):
    """The exact flow of a world. Prepared frames have their number in a pixel; requested pairs are kept."""

    name = "exact"

    def __init__(self, world):
        self.world = world
        self.requested: list[tuple[int, int]] = []
        self.times = {}

    def frame(self, t: int) -> Frame:
        image = self.world.frame(t)
        self.times[image[:, 0, 0].sum().item()] = t
        return Frame(t, Fraction(t, 25), Fraction(1, 25), image)

    def prepare(self, image):
        if image.dtype != torch.uint8:
            self.latest = self.times[image[:, 0, 0].sum().item()]
        kept = super().prepare(image).clone()
        kept[0, 0, 0] = self.latest
        return kept

    def estimate(self, a, b):
        i, j = int(a[0, 0, 0]), int(b[0, 0, 0])
        self.requested.append((i, j))
        return self.world.flow(i, j)


def run(world, count, distances=DISTANCES, cuts=(0,), first=0):
    exact = Exact(world)
    stream = ((exact.frame(t), t in cuts or t == first) for t in range(first, count))
    return exact, list(track(stream, exact, distances))


def test_without_distances_no_flow_is_estimated(make_world):
    exact, out = run(make_world(), 4, distances=())
    assert [len(each.motions) for each in out] == [0] * 4
    assert exact.requested == []


def test_no_motion_crosses_a_cut(make_world):
    world = make_world(disc=lambda t: (-40.0 + 6 * t, 0.0, 20.0))
    exact, out = run(world, 12, cuts=(0, 5))
    assert [each.new_shot for each in out] == [t in (0, 5) for t in range(12)]
    assert not out[5].motions
    for i, j in exact.requested:
        assert (i < 5) == (j < 5)
    for t, each in enumerate(out):
        assert all(distance <= t - (5 if t >= 5 else 0) for distance in each.motions)


def test_motion_is_backward_flow_on_the_grid_of_the_current_frame(make_world):
    world = make_world(camera=lambda t: (2.0 * t, 1.0 * t, 1.0))
    _, out = run(world, 3, distances=(1,))
    motion = out[2].motions[1]
    assert motion.distance == 1
    assert torch.equal(motion.flow, world.flow(2, 1))
    assert motion.mask.shape == (1, 120, 160)


def test_further_distances_are_not_estimated_while_nothing_is_disoccluded(make_world):
    exact, out = run(make_world(), 20)
    assert all(list(each.motions) == [1] for each in out[1:])
    assert len(exact.requested) == 2 * 19


def test_further_distances_are_not_estimated_for_pixels_that_enter_the_frame(make_world):
    _, out = run(make_world(camera=lambda t: (5.0 * t, 0.0, 1.0)), 20)
    assert out[-1].motions[1].mask.mean() < 0.98
    assert all(list(each.motions) == [1] for each in out[1:])


def test_further_distances_are_estimated_for_pixels_that_return_into_the_frame(make_world):
    world = make_world(camera=lambda t: (8.0 * math.sin(t), 0.0, 1.0))
    _, out = run(world, 12)
    assert any(len(each.motions) > 1 for each in out)


def test_distances_beyond_the_last_useful_one_are_not_estimated(make_world):
    # A disc of 40 px at 16 px a frame: every pixel it hides is visible three frames earlier.
    _, out = run(make_world(disc=lambda t: (-330.0 + 16 * t, 0.0, 20.0)), 21)
    assert list(out[20].motions)[:3] == [1, 2, 3]
    assert 17 not in out[20].motions


def test_a_run_that_begins_seventeen_frames_earlier_gives_the_same_motion(make_world):
    world = make_world(
        camera=lambda t: (3.0 * math.sin(t), 0.4 * t, 1.0), disc=lambda t: (-100.0 + 6 * t, 0.0, 30.0)
    )
    images = [world.frame(t) for t in range(24)]

    def motions(first):
        stream = (
            (Frame(t, Fraction(t), Fraction(1), images[t]), t == first) for t in range(first, len(images))
        )
        return {each.frame.index: each.motions for each in track(stream, create_estimator("dis"))}

    whole, late = motions(0), motions(6)
    for t in (23,):
        assert list(whole[t]) == list(late[t])
        assert len(whole[t]) > 1
        for distance in whole[t]:
            assert torch.equal(whole[t][distance].flow, late[t][distance].flow)
            assert torch.equal(whole[t][distance].mask, late[t][distance].mask)


def test_further_distances_of_large_frames_are_estimated_at_half_resolution(make_world):
    world = make_world(disc=lambda t: (-60.0 + 8 * t, 0.0, 40.0), height=241, width=301)
    dis = create_estimator("dis")
    sizes = []
    inner = dis.estimate_pair
    dis.estimate_pair = lambda a, b: (sizes.append(tuple(a.shape[-2:])), inner(a, b))[1]
    stream = ((Frame(t, Fraction(t), Fraction(1), world.frame(t)), t == 0) for t in range(5))
    out = list(track(stream, dis, (1, 2)))
    motion = out[4].motions[2]
    assert (241, 301) in sizes
    assert (121, 151) in sizes
    assert motion.flow.shape == (2, 241, 301)
    trusted = motion.mask[0] > 0.5
    error = (motion.flow - world.flow(4, 2)).norm(dim=0)[trusted]
    assert error.mean() < 0.2


def test_a_distance_of_zero_is_refused():
    with pytest.raises(ValueError, match="whole numbers from 1"):
        list(track([], create_estimator("dis"), (0, 1)))
