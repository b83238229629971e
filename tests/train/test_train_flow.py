"""Training the refinement of optical flow, in small."""

from __future__ import annotations

import dataclasses
import json
import threading

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vst.errors import Interrupted, UsageError
from vst.motion.estimators.refined.refinement_network import RefinementNetwork
from vst.motion.estimators.refined.refinement_weights import load_refinement
from vst.motion.warping import warp
from vst.train.flow_batches import FlowBatches, crop
from vst.train.flow_pairs import flow_pair
from vst.train.flow_pool import FlowPool, Known
from vst.train.flow_recipe import FlowRecipe
from vst.train.flow_run import run_flow_recipe
from vst.train.flow_step import FlowStep
from vst.train.picture_files import find_pictures
from vst.train.training_run import TrainingRun


def quiet(_):
    pass


@pytest.fixture
def recipe(data):
    return FlowRecipe(
        photos=(str(data / "photos"),),
        pairs=3,
        frame_width=72,
        frame_height=64,
        fastest=4.0,
        width=2,
        size=64,
        batch=2,
        steps=3,
        precision="fp32",
    )


@pytest.fixture
def pool(recipe, tmp_path):
    made = FlowPool(tmp_path / "pool", recipe)
    made.fill(find_pictures(recipe.photos), quiet)
    return made


def test_the_flow_of_a_pair_brings_one_frame_to_the_other(data):
    photos = [picture.load() for picture in find_pictures([str(data / "photos")])]
    better = 0
    for seed in range(6):
        pair = flow_pair(photos, 96, 80, 8.0, np.random.default_rng(seed))
        assert (pair.frames.shape, pair.flow.shape) == ((2, 3, 80, 96), (2, 2, 80, 96))
        frames = pair.frames.float()
        for here, there in ((0, 1), (1, 0)):
            moved = (warp(frames[there], pair.flow[here]) - frames[here]).abs().median()
            better += bool(moved < (frames[there] - frames[here]).abs().median())
    assert better >= 11


def test_pairs_are_slow_and_fast_up_to_what_is_asked_for(data):
    photos = [picture.load() for picture in find_pictures([str(data / "photos")])]
    lengths = [
        float(flow_pair(photos, 64, 64, 20.0, np.random.default_rng(seed)).flow.norm(dim=1).median())
        for seed in range(24)
    ]
    assert min(lengths) < 1.5
    assert max(lengths) > 5
    assert max(lengths) < 60


def test_an_interrupted_pool_is_continued_and_is_the_same(recipe, pool, tmp_path):
    photos, stop = find_pictures(recipe.photos), threading.Event()
    stop.set()
    other = FlowPool(tmp_path / "other", recipe)
    with pytest.raises(Interrupted, match="stopped after pair 0; the same command continues"):
        other.fill(photos, quiet, stop)
    other.fill(photos, quiet)
    assert other.made() == len(other) == 3
    for index in range(3):
        assert np.array_equal(other[index].frames, pool[index].frames)
        assert np.array_equal(other[index].flow, pool[index].flow)
    again = FlowPool(tmp_path / "other", recipe)
    again.fill([], quiet)  # nothing is left to make
    assert np.array_equal(again[2].frames, pool[2].frames)


def test_a_pool_of_another_recipe_is_made_anew(recipe, pool, tmp_path):
    assert FlowPool(tmp_path / "pool", recipe).made() == 3
    assert FlowPool(tmp_path / "pool", dataclasses.replace(recipe, fastest=9.0)).made() == 0
    assert FlowPool(tmp_path / "pool", dataclasses.replace(recipe, learning_rate=1.0)).made() == 3


def test_a_pool_knows_what_dis_finds(pool):
    truth, exact, bold = np.moveaxis(pool[0].flow.astype(np.float32), 1, 0)
    for known in (exact, bold):
        assert np.abs(known - truth).mean() < np.abs(truth).mean()


@pytest.mark.parametrize("seed", range(12))
def test_a_crop_keeps_frames_and_flow_together(seed):
    """Every pixel of these frames has its own colour, and all move by (2, 1) and back."""
    y, x = np.mgrid[:70, :80].astype(np.float32)
    still = np.stack((x, y, x + y)).astype(np.uint8)
    moved = np.stack((x - 2, y - 1, x + y - 3)).clip(0, 255).astype(np.uint8)
    forth = np.broadcast_to(np.array([2, 1], np.float16)[:, None, None], (3, 2, 70, 80))
    pair = Known(np.stack((still, moved)), np.stack((forth, -forth)))
    frames, flow = crop(pair, 64, np.random.default_rng(seed))
    assert (frames.shape, flow.shape) == ((2, 3, 64, 64), (4, 2, 64, 64))
    first, second = torch.from_numpy(frames).float()
    brought = warp(second, torch.from_numpy(flow[0]), "nearest")
    inner = (..., slice(4, -4), slice(4, -4))
    assert torch.equal(brought[inner], first[inner])
    assert np.array_equal(flow[3], -flow[0])


def test_batch_n_is_the_same_whenever_it_is_asked_for(recipe, pool):
    one, again, other = (FlowBatches(recipe, pool)[step] for step in (5, 5, 6))
    assert torch.equal(one["frames"], again["frames"])
    assert torch.equal(one["flow"], again["flow"])
    assert not torch.equal(one["frames"], other["frames"])


def test_the_loss_starts_at_what_dis_leaves(recipe, pool):
    batch = FlowBatches(recipe, pool)[0]
    torch.manual_seed(0)
    losses = FlowStep(recipe, RefinementNetwork(2))(batch)
    assert losses["epe"].item() == losses["dis"].item()
    truth, exact = batch["flow"][:, 0], batch["flow"][:, 1]
    assert losses["dis"].item() == pytest.approx(float((truth - exact).norm(dim=1).mean()), abs=0.01)
    assert losses["total"].item() < 1


def test_the_loss_is_nothing_where_the_truth_is_what_is_known(recipe, pool):
    batch = FlowBatches(recipe, pool)[0]
    batch["flow"] = batch["flow"][:, :1].expand(-1, 4, -1, -1, -1)
    losses = FlowStep(recipe, RefinementNetwork(2))(batch)
    assert losses["epe"].item() == pytest.approx(0.01)  # the root of what keeps its gradient finite


def test_training_lowers_what_it_minimises(recipe, tmp_path):
    calm = dataclasses.replace(recipe, noise=0.0, brightness=0.0)
    long = dataclasses.replace(calm, steps=120, pairs=2, width=4, learning_rate=5e-3)
    run_flow_recipe(long, TrainingRun(tmp_path, say=quiet))
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[-1]["total"] < log[0]["total"]
    first, last = (each["epe"] / each["dis"] for each in (log[0], log[-1]))
    assert last < 0.99 * first
    assert last < 0.97


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_training_leaves_weights_card_log_and_sample(recipe, tmp_path, precision):
    recipe = dataclasses.replace(recipe, precision=precision, steps=20)
    weights = run_flow_recipe(recipe, TrainingRun(tmp_path / "run", say=quiet))
    assert load_refinement(weights).width == 2
    card = (tmp_path / "run/dis-refined.md").read_text()
    assert recipe.digest() in card
    assert "20 of 20" in card
    assert json.loads((tmp_path / "run/recipe.json").read_text())["fastest"] == 4.0
    assert cv2.imread(str(tmp_path / "run/samples/000020.png")).shape == (3 * 64, 4 * 64, 3)


def test_an_interrupted_run_goes_on_and_ends_where_the_other_did(recipe, tmp_path):
    recipe = dataclasses.replace(recipe, steps=4)
    run_flow_recipe(recipe, TrainingRun(tmp_path / "whole", say=quiet))
    run_flow_recipe(
        recipe, TrainingRun(tmp_path / "parts", minutes=0, say=quiet)
    )  # one step, then time is up
    assert "1 of 4" in (tmp_path / "parts/dis-refined.md").read_text()
    run_flow_recipe(recipe, TrainingRun(tmp_path / "parts", say=quiet))
    one, other = (load_file(tmp_path / name / "dis-refined.safetensors") for name in ("whole", "parts"))
    assert any(value.any() for name, value in one.items() if "predict_flow2" in name)
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"precision": "int8"}, "expected bf16, fp16, fp32"),
        ({"size": 100}, "size is 100 with frames of 384×256; expected a multiple of 64"),
        ({"size": 320}, "that fits into them"),
        ({"batch": 0}, "expected 1 or more"),
        ({"fastest": 0.1}, "expected 1 or more"),
    ],
)
def test_an_invalid_recipe_is_refused(changes, complaint):
    with pytest.raises(UsageError, match=complaint):
        FlowRecipe(**changes)


def test_fp16_is_for_cuda(recipe, tmp_path):
    with pytest.raises(UsageError, match="fp16 is trained with on CUDA only"):
        run_flow_recipe(dataclasses.replace(recipe, precision="fp16"), TrainingRun(tmp_path, say=quiet))
