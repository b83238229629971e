"""`vst train flow`: options become a recipe; and `vst train` itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from vst.errors import Interrupted
from vst.modes.registry import BUILT_IN
from vst.motion.estimators.refined.refinement_network import RefinementNetwork
from vst.motion.estimators.refined.refinement_weights import save_refinement
from vst.train.flow_recipe import FlowRecipe


@pytest.fixture
def trained(monkeypatch):
    """Replaces the training; gives what it was called with."""
    calls = []

    def fake(recipe, run):
        calls.append((recipe, run))
        run.say("step 1 of 1")
        return run.folder / "dis-refined.safetensors"

    monkeypatch.setattr("vst.train.flow_run.run_flow_recipe", fake)
    return calls


def test_options_become_a_recipe(vst, trained):
    outcome = vst(
        *("train", "flow", "-o", "run", "--photos", "a", "--photos", "b", "--pairs", "50"),
        *("--frame-width", "320", "--frame-height", "192", "--fastest", "20", "--width", "8"),
        *("--size", "128", "--batch", "4", "--steps", "9", "--precision", "fp32", "--seed", "3"),
        *("--minutes", "5", "--device", "cuda:1", "--workers", "2"),
    )
    assert outcome.code == 0, outcome.err
    (recipe, run) = trained[0]
    assert recipe == FlowRecipe(
        photos=("a", "b"),
        pairs=50,
        frame_width=320,
        frame_height=192,
        fastest=20.0,
        width=8,
        size=128,
        batch=4,
        steps=9,
        precision="fp32",
        seed=3,
    )
    assert run.folder == Path("run")
    assert (run.minutes, run.device, run.workers) == (5.0, "cuda:1", 2)
    assert outcome.err == "step 1 of 1\n"
    assert outcome.out.startswith(str(Path("run") / "dis-refined.safetensors"))


def test_without_options_the_defaults_are_those_of_the_recipe(vst, trained):
    assert vst("train", "flow", "-o", "run").code == 0
    assert trained[0][0] == FlowRecipe()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--size", "100"), "expected a multiple of 64"),
        (("--precision", "fp61"), "did you mean 'fp16'?"),
        (("--style", "a=b.jpg"), "no such option --style"),
        (("--pairs", "0"), "--pairs"),
    ],
)
def test_an_invalid_recipe_is_refused(vst, trained, arguments, complaint):
    outcome = vst("train", "flow", "-o", "run", *arguments)
    assert outcome.code == 2
    assert complaint in outcome.err
    assert not trained


def test_ctrl_c_ends_training_with_130(vst, monkeypatch):
    def interrupted(*arguments, **options):
        raise Interrupted("stopped after pair 3; the same command continues from there")

    monkeypatch.setattr("vst.train.flow_run.run_flow_recipe", interrupted)
    outcome = vst("train", "flow", "-o", "run")
    assert outcome.code == 130
    assert "continues from there" in outcome.err


def test_help_lists_what_can_be_trained(vst):
    outcome = vst("train", "--help")
    assert outcome.code == 0
    for name in (*BUILT_IN, "flow"):
        assert f"\n  {name} " in outcome.out


def test_what_cannot_be_trained_gets_the_nearest_name(vst):
    outcome = vst("train", "flwo", "-o", "run")
    assert outcome.code == 2
    assert "did you mean 'flow'?" in outcome.err


def test_flow_weights_are_verified_with_the_others(vst, monkeypatch, tmp_path, weights):
    (tmp_path / "flow").mkdir()
    path = tmp_path / "flow" / "dis-refined.safetensors"
    monkeypatch.setenv("VST_WEIGHTS", str(tmp_path))
    save_refinement(path, RefinementNetwork(2), recipe="r", steps=1)
    good = vst("weights", "verify", "--weights-dir", weights)
    assert good.code == 0, good.err
    path.write_bytes(path.read_bytes()[:-8])
    bad = vst("weights", "verify", "--weights-dir", weights)
    assert bad.code == 1
    assert str(path) in bad.err
