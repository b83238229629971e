import dataclasses
import json

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vst.errors import UsageError
from vst.modes import load_network
from vst.modes.cyclegan.config import CycleganRecipe
from vst.modes.itn.network import ITN
from vst.modes.network_file import save_weights
from vst.styles import load_catalogue, read_info
from vst.train.clips import find_clips
from vst.train.collection_batches import CollectionBatches, painting_crop
from vst.train.collection_run import run_collection
from vst.train.picture_files import find_pictures
from vst.train.training_run import TrainingRun


def quiet(_):
    pass


@pytest.fixture
def paintings(tmp_path):
    folder = tmp_path / "dots"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), rng.integers(0, 255, (40, 50, 3), dtype=np.uint8))
    return str(folder)


@pytest.fixture
def collection(paintings, data):
    return CycleganRecipe(
        paintings=(paintings,),
        photos=(str(data / "photos"),),
        clips=(str(data / "clips"),),
        width=2,
        blocks=1,
        discriminator_width=2,
        size=32,
        pool=2,
        steps=4,
        precision="fp32",
    )


def batches(recipe):
    photos, clips = find_pictures(recipe.photos), find_clips(recipe.clips)
    return CollectionBatches(recipe, find_pictures(recipe.paintings), photos, clips)


@pytest.mark.parametrize("long_weight", [0.0, 1.0])
@pytest.mark.parametrize("synthetic", [0.0, 1.0])
def test_a_batch_has_paintings_photographs_and_frames_with_motion(collection, long_weight, synthetic):
    recipe = dataclasses.replace(
        collection,
        batch=2,
        painting_batch=3,
        synthetic=synthetic,
        long_weight=long_weight,
        long_gap=4,
    )
    batch = batches(recipe)[5]
    length = 3 if long_weight else 2
    assert batch["paintings"].shape == (3, 3, 32, 32)
    assert batch["photos"].shape == (2, 3, 32, 32)
    assert batch["frames"].shape == batch["seen"].shape == (1, length, 3, 32, 32)
    assert batch["true_flow"].shape == (1, length, 2, 32, 32)
    assert batch["true_mask"].shape == (1, length, 1, 32, 32)
    assert not batch["true_mask"][:, 0].any()
    assert batch["true_mask"][:, 1:].any()
    assert batch["pool"].shape == (4, 2, 2)


def test_batch_n_is_the_same_whenever_it_is_asked_for(collection):
    one, again, other = batches(collection)[7], batches(collection)[7], batches(collection)[8]
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["paintings"], other["paintings"])


def test_paintings_are_scaled_cropped_and_mirrored(collection):
    ramp = np.tile(np.arange(0, 200, 2, dtype=np.uint8)[None, :, None], (50, 1, 3))
    recipe = dataclasses.replace(collection, colour_jitter=0.0, load_size=64)
    crops = [painting_crop(ramp, recipe, np.random.default_rng(seed)) for seed in range(12)]
    directions = {int(np.sign(float(crop[0, 0, -1]) - float(crop[0, 0, 0]))) for crop in crops}
    assert directions == {1, -1}
    # 50 pixels become 64, so 32 pixels show 25 of 100, a quarter of the ramp.
    spans = [abs(float(crop[0, 0, -1]) - float(crop[0, 0, 0])) for crop in crops]
    assert all(span == pytest.approx(48, abs=4) for span in spans)
    assert {crop.shape for crop in crops} == {(3, 32, 32)}
    assert collection.painting_side == round(32 * 286 / 256)


def test_colours_are_changed_as_often_as_the_recipe_says(collection):
    flat = np.full((40, 40, 3), (200, 100, 50), np.uint8)

    def changed(share):
        recipe = dataclasses.replace(collection, colour_jitter=share)
        crops = (painting_crop(flat, recipe, np.random.default_rng(seed)) for seed in range(60))
        return sum(not np.array_equal(crop[:, 0, 0], flat[0, 0]) for crop in crops)

    assert (changed(0.0), changed(1.0)) == (0, 60)
    assert 3 <= changed(0.15) <= 18


def test_a_training_leaves_weights_that_are_a_style_of_the_catalogue(collection, tmp_path):
    said = []
    recipe = dataclasses.replace(collection, steps=20)
    weights = run_collection(recipe, TrainingRun(tmp_path / "run", say=said.append))
    info = read_info(weights)
    assert (info.mode, info.width, info.styles, info.steps) == ("cyclegan", 2, ("dots",), 20)
    assert info.recipe == recipe.digest()
    assert load_catalogue(tmp_path / "run").styles["dots"].modes == ("cyclegan",)
    network, _ = load_network(weights)
    assert network.variant == recipe.variant
    last = json.loads((tmp_path / "run/log.jsonl").read_text().splitlines()[-1])
    assert {"cycle", "identity", "adversarial", "discriminator", "temporal"} <= last.keys()
    assert all(np.isfinite(value) for value in last.values())
    assert cv2.imread(str(tmp_path / "run/samples/000020.png")) is not None
    card = (tmp_path / "run/weights.md").read_text()
    assert "| paintings | 3 of dots |" in card
    assert "temporal 100" in card
    assert said[0].startswith("3 paintings: the discriminator will know them by heart")


def test_a_run_in_two_parts_ends_with_the_same_weights_discriminators_and_pool(collection, tmp_path):
    run_collection(collection, TrainingRun(tmp_path / "whole", say=quiet))
    run_collection(
        collection, TrainingRun(tmp_path / "parts", minutes=0, say=quiet)
    )  # one step, then time is up
    assert read_info(tmp_path / "parts/weights.safetensors").steps == 1
    run_collection(collection, TrainingRun(tmp_path / "parts", say=quiet))
    for file in ("weights.safetensors", "checkpoint.safetensors"):
        one, other = (load_file(tmp_path / name / file) for name in ("whole", "parts"))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert {
        "model.pools.0.images",
        "model.discriminators.0.layers.0.weight",
        "average.last.weight",
    } <= one.keys()
    assert one["model.pools.0.images"].any()


def test_a_style_loss_brings_pictures_nearer_to_the_paintings_and_goes_on(
    collection, loss_folder, tmp_path
):
    recipe = dataclasses.replace(
        collection, style_weight=20.0, loss_network=str(loss_folder), steps=40, learning_rate=5e-3
    )
    run_collection(recipe, TrainingRun(tmp_path / "parts", minutes=0, say=quiet))
    run_collection(recipe, TrainingRun(tmp_path / "parts", say=quiet))
    rows = [json.loads(line) for line in (tmp_path / "parts/log.jsonl").read_text().splitlines()]
    assert rows[-1]["style"] < 0.8 * rows[0]["style"]
    kept = load_file(tmp_path / "parts/checkpoint.safetensors")
    assert int(kept["model.style.count"]) == 40
    assert read_info(tmp_path / "parts/weights.safetensors").loss_network == loss_folder.name


def test_every_network_learns(collection, tmp_path):
    run_collection(
        dataclasses.replace(collection, steps=1, discriminators=2),
        TrainingRun(tmp_path / "one", say=quiet),
    )
    run_collection(
        dataclasses.replace(collection, steps=2, discriminators=2),
        TrainingRun(tmp_path / "two", say=quiet),
    )
    one, two = (load_file(tmp_path / name / "checkpoint.safetensors") for name in ("one", "two"))
    for part in (
        "generator.last",
        "back.last",
        "discriminators.0.layers.0",
        "discriminators.1.layers.0",
    ):
        assert not torch.equal(one[f"model.{part}.weight"], two[f"model.{part}.weight"]), part


@pytest.fixture
def itn(tmp_path):
    torch.manual_seed(0)
    network = ITN(2, 2)
    with torch.no_grad():
        for norm in network.norms():
            norm.bias[1] += 1
    path = tmp_path / "itn.safetensors"
    save_weights(
        path,
        network,
        mode="itn",
        styles=("red", "blue"),
        loss_network="none",
        recipe="none",
        steps=0,
    )
    return path


@pytest.mark.parametrize(("style", "start_style"), [("mine", "blue"), ("blue", None)])
def test_a_training_starts_from_a_style_of_an_itn(collection, itn, tmp_path, style, start_style):
    recipe = dataclasses.replace(collection, style=style, steps=1, learning_rate=0.0, back_width=3)
    weights = run_collection(
        recipe, TrainingRun(tmp_path / "run", say=quiet), start_from=itn, start_style=start_style
    )
    before, after = load_file(itn), load_file(weights)
    assert torch.equal(after["down.0.conv.weight"], before["down.0.conv.weight"])
    assert torch.equal(after["down.0.norm.bias"][0], before["down.0.norm.bias"][1])


def test_a_start_that_does_not_fit_is_refused(collection, itn, tmp_path):
    with pytest.raises(UsageError, match="has no style 'green'; it has red, blue"):
        run_collection(
            collection, TrainingRun(tmp_path / "a", say=quiet), start_from=itn, start_style="green"
        )
    with pytest.raises(UsageError, match="has width 2"):
        run_collection(
            dataclasses.replace(collection, width=3),
            TrainingRun(tmp_path / "b", say=quiet),
            start_from=itn,
        )
    with pytest.raises(UsageError, match="on CUDA only"):
        run_collection(
            dataclasses.replace(collection, precision="fp16"),
            TrainingRun(tmp_path / "c", say=quiet),
        )


def test_photographs_and_clips_are_not_required(collection, tmp_path):
    recipe = dataclasses.replace(collection, photos=(), clips=(), steps=1, precision="bf16")
    assert read_info(run_collection(recipe, TrainingRun(tmp_path / "run", say=quiet))).steps == 1


def test_adam_has_the_papers_moments_and_the_gradient_is_not_scaled_down(collection, tmp_path):
    run_collection(
        dataclasses.replace(collection, steps=1, cycle_weight=1e4),
        TrainingRun(tmp_path / "run", say=quiet),
    )
    state = load_file(tmp_path / "run/checkpoint.safetensors")
    first, second = state["optimiser.0.exp_avg"], state["optimiser.0.exp_avg_sq"]
    # After a step the moments are (1 − 0.5) g and (1 − 0.999) g².
    torch.testing.assert_close(first.square() / 0.25, second / 0.001)
    assert first.norm() > 10  # the other trainings' limit
