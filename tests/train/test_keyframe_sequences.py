"""Keyframes to train on: how far apart they are, and what relates them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from vst.modes.recipe import StyleGoal
from vst.modes.vtn.config import VtnRecipe
from vst.motion import warp
from vst.train.keyframe_sequences import composed_motion, keyframe_sequence, keyframe_times
from vst.train.sequences import MixedBatches
from vst.train.synthetic_pictures import synthetic_pictures

SIZE = 64


@pytest.fixture(scope="module")
def photos():
    return synthetic_pictures()[:6]


@pytest.fixture
def recipe():
    goal = StyleGoal("red", ("red.jpg",))
    return VtnRecipe(mode="vtn", styles=(goal,), size=SIZE, gap=8, unroll=3, warm_up=2, empty=0, steps=2)


def test_keyframes_are_1_to_gap_frames_apart():
    rng = np.random.default_rng(0)
    steps = np.concatenate([np.diff(keyframe_times(6, 8, rng)) for _ in range(200)])
    assert steps.min() == 1
    assert steps.max() == 8


def test_some_sequences_have_keyframes_at_even_distances_and_some_have_not():
    rng = np.random.default_rng(0)
    even = [len(set(np.diff(keyframe_times(6, 8, rng)))) == 1 for _ in range(100)]
    assert 20 < sum(even) < 80


def test_exact_motion_relates_each_keyframe_to_the_one_before(recipe, photos):
    for seed in range(4):
        shot = keyframe_sequence(recipe, photos, [], 4, np.random.default_rng(seed))
        frames, (flow, mask) = shot.frames.float() / 255, shot.motion
        for t in range(1, 4):
            seen = mask[t].bool().expand(3, -1, -1)
            error = (warp(frames[t - 1], flow[t]) - frames[t]).abs()[seen]
            assert error.mean() < 0.04


def test_what_the_network_is_shown_is_close_to_the_exact_motion_and_not_the_same(recipe, photos):
    shot = keyframe_sequence(recipe, photos, [], 4, np.random.default_rng(2))
    difference = (shot.shown[0] - shot.motion[0])[1:]
    assert 0 < difference.abs().mean() < 2


def test_composed_motion_of_a_pan_is_the_sum_of_its_steps():
    wide = torch.nn.functional.interpolate(torch.rand(1, 3, 24, 40), size=(96, 160), mode="bicubic")[0]
    frames = torch.stack([(wide[:, :, 3 * t : 3 * t + 96].clamp(0, 1) * 255).byte() for t in range(6)])
    flow, mask = composed_motion(frames)
    inner = (slice(None), slice(16, -16), slice(16, -32))
    assert (flow[inner][0] - 15).abs().median() < 0.3
    assert flow[inner][1].abs().median() < 0.3
    assert mask[inner].mean() > 0.9
    assert mask[:, :, -12:].mean() == 0  # came in from outside


def test_a_batch_of_keyframes_has_one_motion_a_frame(recipe, photos):
    batch = MixedBatches(recipe, photos, [])[0]
    sequences, length = batch["frames"].shape[:2]
    assert sequences == recipe.sequences
    assert length == recipe.unroll + int(batch["warm_up"])
    assert batch["flow"].shape == (sequences, length, 2, SIZE, SIZE)
    assert batch["mask"].shape == (sequences, length, 1, SIZE, SIZE)
    assert batch["true_flow"].shape == (sequences, length, 2, SIZE, SIZE)
    assert not batch["mask"][:, 0].any()


def test_batches_of_keyframes_depend_on_their_number_alone(recipe, photos):
    one, other = MixedBatches(recipe, photos, []), MixedBatches(replace(recipe, steps=9), photos, [])
    assert all(torch.equal(value, other[1][name]) for name, value in one[1].items())
