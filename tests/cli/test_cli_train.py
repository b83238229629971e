"""`vst train`: options become a recipe."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from vst.train.recipe import Recipe


@pytest.fixture
def trained(monkeypatch):
    """Replaces the training; gives what it was called with."""
    calls = []

    def fake(recipe, folder, **options):
        calls.append((recipe, folder, options))
        options["say"]("step 1 of 1")
        return folder / "weights.safetensors"

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
            f"candy={painting}",
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
    (recipe, folder, options) = trained[0]
    assert recipe == Recipe(
        "vtn",
        (("candy", (str(painting),)), ("mix", (str(painting), str(painting)))),
        ("photos",),
        ("a", "b"),
        loss_network="vgg16",
        width=16,
        steps=10,
        size=64,
        batch=2,
        seed=3,
    )
    assert folder == Path("run")
    assert options["start_from"] == Path("itn.safetensors")
    assert (options["minutes"], options["device"], options["compiled"]) == (5.0, "cuda:1", True)
    assert outcome.err == "step 1 of 1\n"
    assert outcome.out.startswith(str(Path("run") / "weights.safetensors"))


def test_without_options_the_defaults_are_those_of_the_recipe(vst, trained, painting):
    vst("train", "itn", "-o", "run", "--style", f"candy={painting}", "--photos", "photos")
    assert trained[0][0] == Recipe("itn", (("candy", (str(painting),)),), ("photos",))
    assert trained[0][2]["minutes"] == math.inf


@pytest.mark.parametrize(
    ("style", "complaint"),
    [("candy", "write NAME=IMAGE"), ("candy=nowhere.jpg", "nowhere.jpg is not a file")],
)
def test_a_style_without_a_picture_is_refused(vst, trained, style, complaint):
    outcome = vst("train", "itn", "-o", "run", "--style", style, "--photos", "photos")
    assert outcome.code == 2
    assert complaint in outcome.err
    assert not trained


def test_ctrl_c_ends_training_with_130(vst, monkeypatch, painting):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("vst.train.run.run_recipe", interrupted)
    assert vst("train", "itn", "-o", "run", "--style", f"a={painting}", "--photos", "p").code == 130
