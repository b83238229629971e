"""`vst train cyclegan`: options become a recipe, and what it makes is a style."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from vst.errors import Interrupted


@pytest.fixture
def trained(monkeypatch):
    """Replaces the training; gives what it was called with."""
    calls = []

    def fake(recipe, run, **options):
        calls.append((recipe, run, options))
        return run.folder / "weights.safetensors"

    monkeypatch.setattr("vst.train.collection_run.run_collection", fake)
    return calls


def test_options_become_a_recipe(vst, trained):
    outcome = vst(
        *("train", "cyclegan", "--paintings", "monet", "--paintings", "more.tar", "--photos", "photos"),
        *("--clips", "clips", "--blocks", "9", "--discriminators", "2", "--temporal-weight", "7"),
        *("--start-from", "itn.safetensors", "--start-style", "candy", "--minutes", "2", "-o", "run"),
    )
    assert outcome.code == 0, outcome.err
    [(recipe, run, options)] = trained
    assert (recipe.paintings, recipe.photos, recipe.clips) == (
        ("monet", "more.tar"),
        ("photos",),
        ("clips",),
    )
    assert (recipe.blocks, recipe.discriminators, recipe.temporal_weight) == (9, 2, 7.0)
    assert run.folder == Path("run")
    assert (options["start_from"], options["start_style"], run.minutes) == (
        Path("itn.safetensors"),
        "candy",
        2.0,
    )
    assert "--mode cyclegan --style monet --weights-dir run" in outcome.out


def test_a_recipe_is_changed_by_the_options(vst, trained):
    outcome = vst(
        "train", "cyclegan", "--recipe", "cyclegan-vangogh", "--data", "data", "--steps", "5", "-o", "run"
    )
    assert outcome.code == 0, outcome.err
    recipe = trained[0][0]
    assert (recipe.style_name, recipe.steps, recipe.hold_out) == ("vangogh", 5, 7)
    assert recipe.paintings == (str(Path("data/paintings-vangogh.tar")),)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("train", "cyclegan", "-o", "run", "--discriminators", "3"), "discriminators"),
        (("train", "cyclegan", "-o", "run", "--recipe", "itn-fast"), "recipe itn-fast is for itn"),
        (("train", "itn", "-o", "run", "--recipe", "cyclegan-monet"), "write: vst train cyclegan"),
        (("train", "cyclegan", "-o", "run", "--style", "a=b.jpg"), "No such option"),
        (("train", "cyclegan", "-o", "run"), "no paintings: give --paintings"),
    ],
)
def test_what_does_not_fit_is_refused(vst, arguments, complaint):
    outcome = vst(*arguments)
    assert outcome.code == 2
    assert complaint.lower() in outcome.err.lower()


def test_ctrl_c_ends_training_with_130(vst, monkeypatch):
    def interrupted(*arguments, **options):
        raise Interrupted("stopped after step 3; the same command continues from there")

    monkeypatch.setattr("vst.train.collection_run.run_collection", interrupted)
    outcome = vst("train", "cyclegan", "-o", "run")
    assert outcome.code == 130
    assert "continues from there" in outcome.err


def test_a_single_painting_cannot_be_added_to_a_collection(vst, tmp_path, weights):
    cv2.imwrite(str(tmp_path / "one.png"), np.zeros((40, 40, 3), np.uint8))
    outcome = vst(
        "style",
        "add",
        str(tmp_path / "one.png"),
        "--name",
        "one",
        "--mode",
        "cyclegan",
        "--weights-dir",
        weights,
    )
    assert outcome.code == 2
    assert "learns from a collection of paintings" in outcome.err


def test_a_trained_collection_is_rendered_by_its_name(vst, tmp_path):
    rng = np.random.default_rng(0)
    for folder in ("dots", "photos"):
        (tmp_path / folder).mkdir()
        for number in range(2):
            picture = rng.integers(0, 255, (40, 48, 3), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / folder / f"{number}.png"), picture)
    outcome = vst(
        *("train", "cyclegan", "--paintings", str(tmp_path / "dots"), "--photos", str(tmp_path / "photos")),
        *("--width", "2", "--blocks", "1", "--size", "32", "--discriminator-width", "2", "--steps", "1"),
        *("-o", str(tmp_path / "run")),
    )
    assert outcome.code == 0, outcome.err
    output = tmp_path / "out.png"
    outcome = vst(
        *("render", str(tmp_path / "photos/0.png"), "--mode", "cyclegan", "--style", "dots"),
        *("--weights-dir", str(tmp_path / "run"), "-o", str(output)),
    )
    assert outcome.code == 0, outcome.err
    assert cv2.imread(str(output)).shape == (40, 48, 3)
