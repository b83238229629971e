import copy
import dataclasses
import json

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from vst.errors import UsageError, WeightsError
from vst.networks import ITN
from vst.networks.vgg import SlimVGG19, VGGFeatures
from vst.styles import read_info
from vst.styles.loss_network import EXACT, SLIM, load_loss_network
from vst.train.checkpoint import load_checkpoint, save_checkpoint
from vst.train.clips import find_clips
from vst.train.pictures import find_pictures
from vst.train.recipe import Recipe, StyleGoal
from vst.train.run import read_style_image, run_recipe
from vst.train.sequences import MixedBatches
from vst.train.still import PhotoBatches
from vst.train.trainer import learning_rate


@pytest.fixture(scope="session")
def loss_folder(tmp_path_factory):
    """A loss network with random weights, in the files of the bundled kind."""
    folder = tmp_path_factory.mktemp("loss")
    torch.manual_seed(0)
    save_file(VGGFeatures((2, 2, 4)).half().state_dict(), folder / EXACT)
    save_file(SlimVGG19().half().state_dict(), folder / SLIM)
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Three photographs, a clip of eight frames that pans, and a style image."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for name in ("photos", "clips/pan"):
        (folder / name).mkdir(parents=True)
    wide = cv2.GaussianBlur(rng.integers(0, 255, (48, 90, 3), dtype=np.uint8), (0, 0), 2)
    for number in range(3):
        cv2.imwrite(str(folder / f"photos/{number}.png"), wide[:, number * 10 : number * 10 + 60])
    for number in range(8):
        cv2.imwrite(str(folder / f"clips/pan/{number:03d}.png"), wide[:, number * 2 : number * 2 + 60])
    cv2.imwrite(str(folder / "style.png"), rng.integers(0, 255, (40, 64, 3), dtype=np.uint8))
    return folder


@pytest.fixture
def recipe(data, loss_folder):
    return Recipe(
        mode="itn",
        styles=(StyleGoal("noise", (str(data / "style.png"),)),),
        photos=(str(data / "photos"),),
        clips=(str(data / "clips"),),
        loss_network=str(loss_folder),
        width=2,
        size=32,
        batch=2,
        sequences=1,
        unroll=2,
        warm_up=2,
        steps=3,
    )


def quiet(_):
    pass


def test_a_recipe_has_a_digest_that_any_change_changes(recipe):
    assert recipe.digest() == dataclasses.replace(recipe).digest()
    assert recipe.digest() != dataclasses.replace(recipe, seed=1).digest()
    json.dumps(recipe.to_json())


def test_the_learning_rate_warms_up_and_falls(recipe):
    long = dataclasses.replace(recipe, steps=1000)
    rates = [learning_rate(long, step) for step in (0, 99, 500, 999)]
    assert rates[0] < 0.02 * rates[1]
    assert rates[1] > rates[2] > rates[3]
    assert rates[3] == pytest.approx(long.final_learning_rate, rel=0.01)


def test_batch_n_is_the_same_whenever_it_is_asked_for(recipe):
    photos = find_pictures(recipe.photos)
    again = [PhotoBatches(recipe, photos)[7]["frames"] for _ in range(2)]
    assert torch.equal(*again)
    assert not torch.equal(again[0], PhotoBatches(recipe, photos)[8]["frames"])


def test_batches_for_video_are_mixed_and_have_motion(recipe):
    mixed = MixedBatches(recipe, find_pictures(recipe.photos), find_clips(recipe.clips))
    batches = [mixed[step] for step in range(12)]
    empty = [batch for batch in batches if "flow" not in batch]
    assert 2 <= len(empty) <= 10
    for batch in batches:
        if "flow" not in batch:
            assert batch["frames"].shape == (2, 3, 32, 32)
            continue
        length = 2 + int(batch["warm_up"])
        assert batch["seen"].shape == batch["frames"].shape == (1, length, 3, 32, 32)
        assert batch["flow"].shape == (1, length, 3, 2, 32, 32)
        assert batch["mask"].shape == (1, length, 3, 1, 32, 32)
        assert batch["true_flow"].shape == (1, length, 2, 32, 32)
        assert batch["true_mask"].shape == (1, length, 1, 32, 32)
        assert not batch["mask"][:, 0].any()
        assert not batch["true_mask"][:, 0].any()
        assert set(batch["true_mask"].unique().tolist()) <= {0.0, 1.0}


def test_frames_are_jittered_only_as_far_as_the_recipe_says(recipe):
    calm = dataclasses.replace(recipe, brightness=0.0, noise=0.0, empty=0.0)
    photos, clips = find_pictures(recipe.photos), find_clips(recipe.clips)
    batch = MixedBatches(calm, photos, clips)[0]
    assert torch.equal(batch["seen"], batch["frames"])
    batch = MixedBatches(dataclasses.replace(calm, brightness=0.1), photos, clips)[0]
    assert not torch.equal(batch["seen"], batch["frames"])


@pytest.mark.parametrize("mode", ["itn", "vtn"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_training_leaves_weights_recipe_log_and_sample(recipe, tmp_path, mode, precision):
    recipe = dataclasses.replace(recipe, mode=mode, precision=precision, steps=20, empty=0.4)
    weights = run_recipe(recipe, tmp_path / "run", say=quiet)
    info = read_info(weights)
    assert (info.mode, info.width, info.styles, info.steps) == (mode, 2, ("noise",), 20)
    assert info.recipe == recipe.digest()
    assert json.loads((tmp_path / "run/recipe.json").read_text())["mode"] == mode
    last = json.loads((tmp_path / "run/log.jsonl").read_text().splitlines()[-1])
    assert last["step"] == 20
    assert all(np.isfinite(value) for value in last.values())
    assert cv2.imread(str(tmp_path / "run/samples/000020.png")) is not None


def test_an_interrupted_run_goes_on_and_ends_where_the_other_did(recipe, tmp_path):
    whole = dataclasses.replace(recipe, precision="fp32", steps=4, mode="vtn", empty=0.5)
    run_recipe(whole, tmp_path / "whole", say=quiet)
    run_recipe(whole, tmp_path / "parts", minutes=0, say=quiet)  # one step, then time is up
    assert read_info(tmp_path / "parts/weights.safetensors").steps == 1
    run_recipe(whole, tmp_path / "parts", say=quiet)
    one, other = (load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_vtn_starts_from_an_itn_and_refuses_what_does_not_fit(recipe, tmp_path):
    still = run_recipe(dataclasses.replace(recipe, steps=1), tmp_path / "itn", say=quiet)
    video = dataclasses.replace(recipe, mode="vtn", steps=1)
    assert read_info(run_recipe(video, tmp_path / "vtn", start_from=still, say=quiet)).mode == "vtn"
    with pytest.raises(UsageError, match="has width 2"):
        run_recipe(dataclasses.replace(video, width=4), tmp_path / "wide", start_from=still, say=quiet)
    with pytest.raises(UsageError, match="cannot start"):
        run_recipe(recipe, tmp_path / "back", start_from=tmp_path / "vtn/weights.safetensors", say=quiet)


def test_training_lowers_what_it_minimises(recipe, tmp_path):
    run_recipe(
        dataclasses.replace(recipe, precision="fp32", steps=60, learning_rate=5e-3), tmp_path, say=quiet
    )
    log = [json.loads(line)["total"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[-1] < 0.97 * log[0]


def test_a_mode_without_trainer_is_refused(recipe, tmp_path):
    with pytest.raises(UsageError, match="give itn or vtn"):
        run_recipe(dataclasses.replace(recipe, mode="oil"), tmp_path, say=quiet)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    path, scaler = tmp_path / "c.safetensors", torch.amp.GradScaler("cpu", enabled=False)
    small, large = ITN(2), ITN(3)
    save_checkpoint(path, small, copy.deepcopy(small), torch.optim.Adam(small.parameters()), scaler, 1, "x")
    with pytest.raises(WeightsError, match="not a checkpoint of this network"):
        load_checkpoint(path, large, large, torch.optim.Adam(large.parameters()), scaler)


def test_style_images_are_shrunk_to_their_longer_side_and_never_enlarged(data):
    assert read_style_image(str(data / "style.png"), 32).shape == (3, 20, 32)
    assert read_style_image(str(data / "style.png"), 512).shape == (3, 40, 64)


def test_loss_networks_come_from_a_folder_or_by_name(loss_folder, tmp_path):
    assert {"relu1_2", "relu3_3", "relu4_1"} <= set(load_loss_network(loss_folder).layers)
    with pytest.raises(UsageError, match="did you mean vgg16"):
        load_loss_network("vgg116")
    with pytest.raises(WeightsError, match=f"has no {EXACT}"):
        load_loss_network(tmp_path)
    (tmp_path / EXACT).write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="not the loss network"):
        load_loss_network(tmp_path)
