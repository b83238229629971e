import copy
import dataclasses
import json
import shutil
import threading

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vst.errors import Interrupted, UsageError, VstError, WeightsError
from vst.modes import load_network
from vst.modes.itn.network import ITN
from vst.modes.recipe import StyleGoal
from vst.modes.registry import available_modes
from vst.styles import read_info
from vst.styles.loss_network import EXACT, SLIM, load_loss_network
from vst.train.card import write_card
from vst.train.clips import find_clips
from vst.train.photos import PhotoBatches
from vst.train.picture_files import PictureOrNext, find_pictures
from vst.train.run import run_recipe
from vst.train.sequences import MixedBatches
from vst.train.skipped import SKIPPED_NAME
from vst.train.synthetic_pictures import synthetic_pictures
from vst.train.trainer import follow, learning_rate
from vst.train.training_checkpoint import load_checkpoint, save_checkpoint
from vst.train.training_run import TrainingRun


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


def test_batches_for_video_are_mixed_and_have_motion(recipe, make_recipe):
    recipe = make_recipe("vtn")
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
        assert batch["flow"].shape == (1, length, 2, 32, 32)
        assert batch["mask"].shape == (1, length, 1, 32, 32)
        assert batch["true_flow"].shape == (1, length, 2, 32, 32)
        assert batch["true_mask"].shape == (1, length, 1, 32, 32)
        assert not batch["mask"][:, 0].any()
        assert not batch["true_mask"][:, 0].any()
        assert set(batch["true_mask"].unique().tolist()) <= {0.0, 1.0}


def test_frames_are_jittered_only_as_far_as_the_recipe_says(make_recipe):
    calm = make_recipe("vtn", brightness=0.0, noise=0.0, empty=0.0)
    photos, clips = find_pictures(calm.photos), find_clips(calm.clips)
    batch = MixedBatches(calm, photos, clips)[0]
    assert torch.equal(batch["seen"], batch["frames"])
    batch = MixedBatches(dataclasses.replace(calm, brightness=0.1), photos, clips)[0]
    assert not torch.equal(batch["seen"], batch["frames"])


@pytest.mark.parametrize("mode", [name for name, entry in available_modes().items() if entry.training])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_training_leaves_weights_recipe_log_and_sample(recipe, make_recipe, tmp_path, mode, precision):
    recipe = make_recipe(mode, precision=precision, steps=20, empty=0.4)
    weights = run_recipe(recipe, TrainingRun(tmp_path / "run", say=quiet))
    info = read_info(weights)
    assert (info.mode, info.width, info.styles, info.steps) == (mode, 2, ("noise",), 20)
    assert info.recipe == recipe.digest()
    assert json.loads((tmp_path / "run/recipe.json").read_text())["mode"] == mode
    last = json.loads((tmp_path / "run/log.jsonl").read_text().splitlines()[-1])
    assert last["step"] == 20
    assert all(np.isfinite(value) for value in last.values())
    assert cv2.imread(str(tmp_path / "run/samples/000020.png")) is not None


def test_a_run_in_two_parts_ends_with_the_same_weights(make_recipe, tmp_path):
    whole = make_recipe("vtn", precision="fp32", steps=4, empty=0.5)
    run_recipe(whole, TrainingRun(tmp_path / "whole", say=quiet))
    run_recipe(whole, TrainingRun(tmp_path / "parts", minutes=0, say=quiet))  # one step, then time is up
    assert read_info(tmp_path / "parts/weights.safetensors").steps == 1
    run_recipe(whole, TrainingRun(tmp_path / "parts", say=quiet))
    one, other = (load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_itn_and_vtn_start_from_each_other_and_refuse_what_does_not_fit(recipe, make_recipe, tmp_path):
    still = run_recipe(dataclasses.replace(recipe, steps=1), TrainingRun(tmp_path / "itn", say=quiet))
    video = make_recipe("vtn", steps=1)
    assert (
        read_info(run_recipe(video, TrainingRun(tmp_path / "vtn", say=quiet), start_from=still)).mode
        == "vtn"
    )
    with pytest.raises(UsageError, match="has width 2"):
        run_recipe(
            dataclasses.replace(video, width=3),
            TrainingRun(tmp_path / "wide", say=quiet),
            start_from=still,
        )
    gated = dataclasses.replace(video, gate=True)
    plain = tmp_path / "vtn/weights.safetensors"
    network, _ = load_network(
        run_recipe(gated, TrainingRun(tmp_path / "gated", say=quiet), start_from=plain)
    )
    assert network.gated
    back = run_recipe(
        recipe,
        TrainingRun(tmp_path / "back", say=quiet),
        start_from=tmp_path / "gated/weights.safetensors",
    )
    assert read_info(back).mode == "itn"
    assert not load_network(back)[0].gated


@pytest.mark.parametrize("mode", ["lstm", "reconet"])
def test_an_itn_starts_the_modes_without_flow(recipe, make_recipe, tmp_path, mode):
    still = run_recipe(dataclasses.replace(recipe, steps=1), TrainingRun(tmp_path / "itn", say=quiet))
    other = make_recipe(mode, gate=mode == "lstm", steps=1, learning_rate=0.0, final_learning_rate=0.0)
    made = run_recipe(other, TrainingRun(tmp_path / mode, say=quiet), start_from=still)
    network, info = load_network(made)
    assert (info.mode, len(network.residual)) == (mode, 5 if mode == "lstm" else 4)
    before, after = load_file(still), load_file(made)
    assert all(torch.equal(before[name], after[name]) for name in before.keys() & after.keys())
    wide = dataclasses.replace(other, width=4)
    if mode == "lstm":
        for changes, complaint in (
            ({"width": 4}, "start a wider one from a file of another mode"),
            ({"motion": False}, "has w"),
        ):
            with pytest.raises(UsageError, match=complaint):
                run_recipe(
                    dataclasses.replace(other, **changes),
                    TrainingRun(tmp_path / "no", say=quiet),
                    start_from=made,
                )
    else:
        assert (
            read_info(run_recipe(wide, TrainingRun(tmp_path / "wide", say=quiet), start_from=made)).width
            == 4
        )
        with pytest.raises(UsageError, match="has width 2"):
            run_recipe(recipe, TrainingRun(tmp_path / "deep", say=quiet), start_from=made)


def test_training_lowers_what_it_minimises(recipe, tmp_path):
    run_recipe(
        dataclasses.replace(recipe, precision="fp32", steps=60, learning_rate=5e-3),
        TrainingRun(tmp_path, say=quiet),
    )
    log = [json.loads(line)["total"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[-1] < 0.97 * log[0]


def test_an_unknown_mode_is_refused(recipe, tmp_path):
    with pytest.raises(UsageError, match="unknown mode 'oil'"):
        run_recipe(dataclasses.replace(recipe, mode="oil"), TrainingRun(tmp_path, say=quiet))


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    path, scaler = tmp_path / "c.safetensors", torch.amp.GradScaler("cpu", enabled=False)
    small, large = ITN(2), ITN(3)
    save_checkpoint(path, small, copy.deepcopy(small), torch.optim.Adam(small.parameters()), scaler, 1, "x")
    with pytest.raises(WeightsError, match="not a checkpoint of this network"):
        load_checkpoint(path, large, large, torch.optim.Adam(large.parameters()), scaler)


def test_loss_networks_come_from_a_folder_or_by_name(loss_folder, tmp_path):
    assert {"relu1_2", "relu3_3", "relu4_1"} <= set(load_loss_network(loss_folder).layers)
    with pytest.raises(UsageError, match="did you mean 'vgg16'"):
        load_loss_network("vgg116")
    with pytest.raises(WeightsError, match=f"has no {EXACT}"):
        load_loss_network(tmp_path)
    for name in (EXACT, SLIM):
        (tmp_path / name).write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="not the loss network"):
        load_loss_network(tmp_path)


def test_a_stopped_run_continues_from_its_checkpoint(recipe, tmp_path):
    whole = dataclasses.replace(recipe, precision="fp32", steps=4)
    run_recipe(whole, TrainingRun(tmp_path / "whole", say=quiet))
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted, match="stopped after step 1; the same command continues"):
        run_recipe(whole, TrainingRun(tmp_path / "parts", say=quiet, stop=stop))
    run_recipe(whole, TrainingRun(tmp_path / "parts", say=quiet))
    one, other = (load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    "changes",
    [
        {"norm": "batch", "batch": 3},
        {"upsampling": "transposed"},
        {"output": "linear"},
        {"blocks": 2},
        {"mode": "lstm", "gate": True, "anchor": 0.25, "motion": False, "empty": 0.0},
        {"mode": "reconet", "blocks": 5},
        {
            "mode": "vtn",
            "norm": "batch",
            "upsampling": "transposed",
            "output": "linear",
            "empty": 0.3,
        },
    ],
)
def test_variants_are_trained_and_load_as_what_they_are(make_recipe, tmp_path, changes):
    varied = make_recipe(**changes)
    network, _ = load_network(run_recipe(varied, TrainingRun(tmp_path, say=quiet)))
    assert network.variant == varied.variant


def test_frozen_convolutions_stay_as_they_were(recipe, tmp_path):
    start = run_recipe(dataclasses.replace(recipe, steps=2), TrainingRun(tmp_path / "start", say=quiet))
    frozen = dataclasses.replace(recipe, frozen=True, steps=3, learning_rate=0.1, averaging=0.0)
    made = run_recipe(frozen, TrainingRun(tmp_path / "frozen", say=quiet), start_from=start)
    before, after = load_file(start), load_file(made)
    assert read_info(start).body == read_info(made).body
    for name in before:
        assert torch.equal(before[name], after[name]) == (".norm." not in name), name
    with pytest.raises(UsageError, match="give weights to start from"):
        run_recipe(frozen, TrainingRun(tmp_path / "nowhere", say=quiet))


def test_styles_are_taken_by_name_from_what_a_run_starts_from(recipe, data, tmp_path):
    goals = [StyleGoal(name, (str(data / "style.png"),)) for name in ("a", "b", "c")]
    still = dataclasses.replace(recipe, learning_rate=0.0, final_learning_rate=0.0, steps=1)
    start = run_recipe(
        dataclasses.replace(recipe, styles=tuple(goals[:2])),
        TrainingRun(tmp_path / "two", say=quiet),
    )
    turned = dataclasses.replace(still, styles=(goals[2], goals[1]))
    made = run_recipe(turned, TrainingRun(tmp_path / "turned", say=quiet), start_from=start)
    before, after = (load_file(path)["down.0.norm.weight"].float() for path in (start, made))
    assert torch.equal(after[1], before[1])
    torch.testing.assert_close(after[0], before.mean(0), atol=1e-3, rtol=0)


def test_the_exported_weights_are_a_running_mean(recipe, tmp_path):
    plain = dataclasses.replace(recipe, precision="fp32", steps=6, averaging=0.0)
    mean = dataclasses.replace(plain, averaging=0.9)
    one, other = (
        load_file(run_recipe(each, TrainingRun(tmp_path / str(each.averaging), say=quiet)))
        for each in (plain, mean)
    )
    assert not torch.equal(one["last.weight"], other["last.weight"])
    average, model = ITN(2), ITN(2)
    expected = 0.75 * average.last.weight + 0.25 * model.last.weight
    follow(average, model, 0.75)
    torch.testing.assert_close(average.last.weight, expected)


def test_each_photograph_is_stylized_in_several_styles(recipe, data):
    goals = tuple(StyleGoal(name, (str(data / "style.png"),)) for name in "abcd")
    several = dataclasses.replace(recipe, styles=goals, styles_each=2)
    batch = PhotoBatches(several, find_pictures(recipe.photos))[0]
    assert len(batch["frames"]) == 2
    assert sorted(batch["style"].tolist()) == [0, 1, 2, 3]


def test_a_run_leaves_a_card_that_says_what_it_made(recipe, make_recipe, tmp_path):
    weighed = make_recipe("vtn", steps=20)
    run_recipe(weighed, TrainingRun(tmp_path, say=quiet))
    card = (tmp_path / "weights.md").read_text()
    assert "| mode | `vtn` |" in card
    assert "| steps | 20 of 20, bf16 on cpu" in card
    assert f"| noise | style.png | 512 | {recipe.style_weight:g} |" in card
    assert recipe.digest() not in card
    assert weighed.digest() in card
    assert "temporal" in card


@pytest.mark.parametrize("mode", ["vtn", "lstm", "reconet"])
def test_the_card_names_the_clips_whatever_the_mode(make_recipe, tmp_path, mode):
    trained = make_recipe(mode, clips=("data/motion-train.tar", "data/own-clips"))
    card = write_card(tmp_path, trained, device="cpu", steps=1, seconds=60).read_text()
    assert "| clips | motion-train.tar, own-clips |" in card


def test_the_card_of_a_training_without_clips_says_so(recipe, tmp_path):
    card = write_card(tmp_path, recipe, device="cpu", steps=1, seconds=60).read_text()
    assert "| clips | none |" in card


def test_without_photographs_synthetic_pictures_are_trained_on(recipe, tmp_path):
    run_recipe(dataclasses.replace(recipe, photos=(), steps=1), TrainingRun(tmp_path, say=quiet))
    assert read_info(tmp_path / "weights.safetensors").steps == 1
    pictures = synthetic_pictures()
    assert pictures[0].load().shape == pictures[1].load().shape == (288, 384, 3)
    assert not np.array_equal(pictures[0].load(), pictures[1].load())
    assert np.array_equal(pictures[3].load(), pictures[3].load())


def truncate(path):
    path.write_bytes(path.read_bytes()[:2000])


def test_a_training_goes_on_past_photographs_that_cannot_be_decoded_and_names_them(recipe, data, tmp_path):
    photos = shutil.copytree(data / "photos", tmp_path / "photos")
    truncate(photos / "1.png")
    (photos / "text.jpg").write_text("hello")
    said = []
    mixed = dataclasses.replace(recipe, photos=(str(photos),))
    run_recipe(mixed, TrainingRun(tmp_path / "run", say=said.append))
    assert "3 photographs, 1 skipped: see the end" in said
    assert said[-2:] == [
        f"skipped, damaged (1): {photos / '1.png'}",
        f"skipped, not a picture that can be read (1): {photos / 'text.jpg'}",
    ]
    assert len(set((tmp_path / "run" / SKIPPED_NAME).read_text().splitlines())) == 2


def test_skipped_files_are_named_when_a_training_is_stopped(recipe, data, tmp_path):
    photos = shutil.copytree(data / "photos", tmp_path / "photos")
    (photos / "text.jpg").write_text("hello")
    stop, said = threading.Event(), []
    stop.set()
    with pytest.raises(Interrupted):
        run_recipe(
            dataclasses.replace(recipe, photos=(str(photos),)),
            TrainingRun(tmp_path / "run", say=said.append, stop=stop),
        )
    assert said[-1] == f"skipped, not a picture that can be read (1): {photos / 'text.jpg'}"


def test_an_error_of_a_process_that_makes_batches_is_one_line(recipe, data, tmp_path, monkeypatch):
    photos = shutil.copytree(data / "photos", tmp_path / "photos")
    load = PictureOrNext.load

    def gone(self):
        if torch.utils.data.get_worker_info() is not None:
            for number in range(3):
                (photos / f"{number}.png").unlink(missing_ok=True)
        return load(self)

    monkeypatch.setattr(PictureOrNext, "load", gone)
    with pytest.raises(
        VstError, match=r"^none of the 3 pictures can be decoded: skipped, no such"
    ) as error:
        run_recipe(
            dataclasses.replace(recipe, photos=(str(photos),)),
            TrainingRun(tmp_path / "run", say=quiet),
        )
    assert "\n" not in str(error.value)


def test_notes_on_paintings_are_said_before_the_training(make_recipe, tmp_path):
    pixels = np.full((40, 64, 4), 255, np.uint8)
    pixels[:, 50:, 3] = 0
    cv2.imwrite(str(tmp_path / "cut.png"), pixels)
    said = []
    cut = make_recipe(styles=(StyleGoal("cut", (str(tmp_path / "cut.png"),), 64),), steps=1)
    run_recipe(cut, TrainingRun(tmp_path / "run", say=said.append))
    assert "cut.png is transparent in parts: only 50×40 pixels at 0, 0" in said[0]


def test_half_precision_needs_a_gpu(recipe, tmp_path):
    with pytest.raises(UsageError, match="fp16 is trained with on CUDA only"):
        run_recipe(dataclasses.replace(recipe, precision="fp16"), TrainingRun(tmp_path, say=quiet))


@pytest.mark.parametrize("mode", ["itn", "vtn"])
def test_a_network_learns_from_luminance_alone(make_recipe, tmp_path, mode, monkeypatch):
    from vst.losses.perceptual import PerceptualLoss

    seen = []
    targets = PerceptualLoss.content_target
    monkeypatch.setattr(
        PerceptualLoss,
        "content_target",
        lambda self, frames: seen.append(frames) or targets(self, frames),
    )
    plain = run_recipe(make_recipe(mode), TrainingRun(tmp_path / "plain", say=quiet))
    assert not read_info(plain).luminance
    assert any(not torch.equal(frames[:, 0], frames[:, 1]) for frames in seen)
    seen.clear()
    recipe = make_recipe(mode, luminance=True)
    weights = run_recipe(recipe, TrainingRun(tmp_path / "gray", say=quiet))
    assert read_info(weights).luminance
    assert seen
    assert all(torch.equal(frames[:, 0], frames[:, channel]) for frames in seen for channel in (1, 2))
    assert "luminance alone" in (tmp_path / "gray" / "weights.md").read_text(encoding="utf-8")
    sample = cv2.imread(str(next((tmp_path / "gray" / "samples").iterdir())))[:192]
    assert np.array_equal(sample[..., 0], sample[..., 2])
