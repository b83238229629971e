"""`vst train`: options become a recipe."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from vst.errors import Interrupted
from vst.modes.itn.config import ItnRecipe
from vst.modes.recipe import StyleGoal
from vst.modes.vtn.config import VtnRecipe


@pytest.fixture
def trained(monkeypatch):
    """Replaces the training; gives what it was called with."""
    calls = []

    def fake(recipe, run, **options):
        calls.append((recipe, run, options))
        run.say("step 1 of 1")
        return run.folder / "weights.safetensors"

    monkeypatch.setattr("vst.train.run.run_recipe", fake)
    return calls


@pytest.fixture
def painting(tmp_path):
    path = tmp_path / "candy.jpg"
    path.write_bytes(b"a picture")
    return path


def test_options_become_a_recipe(vst, trained, painting):
    outcome = vst(
        *(
            "train",
            "vtn",
            "-o",
            "run",
            "--style",
            f"candy={painting}@300",
            "--style",
            f"mix={painting},{painting}",
        ),
        *("--photos", "photos", "--clips", "a", "--clips", "b", "--loss-network", "vgg16", "--width", "16"),
        *(
            "--steps",
            "10",
            "--size",
            "64",
            "--batch",
            "2",
            "--seed",
            "3",
            "--start-from",
            "itn.safetensors",
        ),
        *("--minutes", "5", "--device", "cuda:1", "--compile"),
    )
    assert outcome.code == 0, outcome.err
    (recipe, run, options) = trained[0]
    assert recipe == VtnRecipe(
        "vtn",
        (
            StyleGoal("candy", (str(painting),), 300),
            StyleGoal("mix", (str(painting), str(painting))),
        ),
        ("photos",),
        clips=("a", "b"),
        loss_network="vgg16",
        width=16,
        steps=10,
        size=64,
        batch=2,
        seed=3,
    )
    assert run.folder == Path("run")
    assert options["start_from"] == Path("itn.safetensors")
    assert (run.minutes, run.device, options["compiled"]) == (5.0, "cuda:1", True)
    assert outcome.err == "step 1 of 1\n"
    assert outcome.out.startswith(str(Path("run") / "weights.safetensors"))


def test_without_options_the_defaults_are_those_of_the_recipe(vst, trained, painting):
    vst("train", "itn", "-o", "run", "--style", f"candy={painting}", "--photos", "photos")
    assert trained[0][0] == ItnRecipe("itn", (StyleGoal("candy", (str(painting),)),), ("photos",))
    assert trained[0][1].minutes == math.inf


@pytest.mark.parametrize(
    ("style", "complaint"),
    [
        ("candy", "write NAME=IMAGE"),
        ("candy=a.jpg@0", "write NAME=IMAGE"),
        ("candy=nowhere.jpg", "nowhere.jpg is not a file"),
        ("candy=PAINTING@nowhere.png", "nowhere.png is not a file"),
    ],
)
def test_a_style_without_a_picture_is_refused(vst, trained, painting, style, complaint):
    given = style.replace("PAINTING", str(painting))
    outcome = vst("train", "itn", "-o", "run", "--style", given, "--photos", "photos")
    assert outcome.code == 2
    assert complaint in outcome.err
    assert not trained


def test_pictures_may_have_masks_and_a_size(vst, trained, painting):
    given = f"{painting}@{painting},{painting}"
    vst("train", "itn", "-o", "run", "--style", f"sky={given}@384", "--photos", "photos")
    assert trained[0][0].styles == (StyleGoal("sky", tuple(given.split(",")), 384),)


def test_a_recipe_is_looked_for_in_the_data_and_options_change_it(vst, trained, tmp_path):
    outcome = vst(
        *("train", "vtn", "--recipe", "vtn-fast", "--data", "there", "-o", "run"),
        *("--steps", "7", "--loss-network", "vgg16", "--last", "linear", "--norm", "batch"),
    )
    assert outcome.code == 0, outcome.err
    recipe = trained[0][0]
    assert (recipe.mode, recipe.width, recipe.steps, recipe.output, recipe.norm) == (
        *("vtn", 16, 7),
        *("linear", "batch"),
    )
    assert recipe.photos == (str(Path("there/photos-train.tar")),)
    assert recipe.styles[0].images == (str(Path("there/styles/candy.jpg")),)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("itn", "--recipe", "vtn-fast"), "recipe vtn-fast is for vtn; write: vst train vtn"),
        (("itn", "--recipe", "itn-fats"), "did you mean 'itn-fast'?"),
        (("itn", "--photos", "p"), "give --style, or --recipe and --data"),
        (("vtn", "--recipe", "vtn-fast", "--judged", "9"), "loss_frames is 9; expected at most unroll, 3"),
    ],
)
def test_an_invalid_recipe_is_refused(vst, trained, arguments, complaint):
    outcome = vst("train", *arguments, "-o", "run")
    assert outcome.code == 2
    assert complaint in outcome.err
    assert not trained


def test_ctrl_c_ends_training_with_130(vst, monkeypatch, painting):
    def interrupted(*arguments, **options):
        raise Interrupted("stopped after step 3; the same command continues from there")

    monkeypatch.setattr("vst.train.run.run_recipe", interrupted)
    outcome = vst("train", "itn", "-o", "run", "--style", f"a={painting}", "--photos", "p")
    assert outcome.code == 130
    assert "continues from there" in outcome.err


@pytest.mark.parametrize(
    ("mode", "own", "others"),
    [
        ("itn", {"--styles-each"}, {"--clips", "--gate", "--restart", "--feature-weight"}),
        ("vtn", {"--gap", "--ungated", "--gate"}, {"--restart", "--motion", "--feature-weight"}),
        ("lstm", {"--restart", "--motion", "--gate"}, {"--ungated", "--feature-weight"}),
        ("reconet", {"--feature-weight", "--judged"}, {"--gate", "--warm-up", "--restart"}),
    ],
)
def test_help_shows_the_options_of_the_mode_and_no_others(vst, mode, own, others):
    outcome = vst("train", mode, "--help")
    assert outcome.code == 0
    found = set(outcome.out.replace(",", " ").replace("/", " ").split())
    assert own | {"--width", "--steps", "--start-from"} <= found
    assert not others & found


def test_an_option_of_another_mode_is_refused(vst, trained, painting):
    outcome = vst("train", "itn", "-o", "run", "--style", f"a={painting}", "--gate")
    assert outcome.code == 2
    assert not trained
