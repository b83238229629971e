"""`vst texture`, `vst reconstruct` and `vst sheet`: arguments, output and errors."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from vst.pipeline.ratio_sheet import RATIOS


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "a+b.png"  # a name that could be a blend
    Image.radial_gradient("L").resize((64, 64)).convert("RGB").save(path)
    return path


@pytest.fixture
def quick(loss_folder):
    few = ("--loss-network", loss_folder, "--steps", 2, "--levels", 1, "--style-layers", "relu1_1")
    return (*few, "--device", "cpu", "--threads", 1)


def test_a_texture_from_the_command_line(vst, picture, quick, tmp_path):
    output = tmp_path / "t.png"
    outcome = vst("texture", picture, "-o", output, "--size", "80x64", *quick)
    assert outcome.code == 0
    assert "80×64 after 2 steps" in outcome.out
    assert "2 steps: about" in outcome.err
    assert Image.open(output).size == (80, 64)
    again = vst("texture", picture, "-o", output, "--size", "80x64", *quick)
    assert (again.code, "exists already" in again.err) == (1, True)


def test_events_of_a_moving_texture(vst, picture, quick, tmp_path):
    output = tmp_path / "t.gif"
    given = ("--size", "64x64", "--frames", 2, "--loop", "--fps", 10, "--json")
    outcome = vst("texture", picture, "-o", output, *given, *quick)
    done = [json.loads(line) for line in outcome.out.splitlines()][-1]
    assert (done["event"], done["frames"], done["width"], done["steps"]) == ("done", 2, 64, 2)
    assert Image.open(output).n_frames == 2


def test_a_reconstruction_from_the_command_line(vst, picture, quick, tmp_path):
    given = ("--of", "content", "--content-layers", "relu2_1", "--size", 64)
    outcome = vst("reconstruct", picture, "-o", tmp_path / "r.png", *given, *quick)
    assert outcome.code == 0
    assert Image.open(tmp_path / "r.png").size == (64, 64)


def test_a_sheet_from_the_command_line(vst, picture, quick, tmp_path):
    given = ("--style", picture, "--ratios", "0.01,0.1", "--size", 64)
    outcome = vst("sheet", picture, "-o", tmp_path / "s.jpg", *given, *quick)
    assert outcome.code == 0
    assert "2 pictures, in" in outcome.out
    assert Image.open(tmp_path / "s.jpg").width > 128


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("texture", "PICTURE", "-o", "t.png", "--size", "big"), "'big' is no size; expected WIDTHxHEIGHT"),
        (("texture", "PICTURE", "-o", "t.png", "--loop"), "--loop is for clips"),
        (("reconstruct", "PICTURE", "-o", "r.png", "--of", "styl"), "did you mean 'style'?"),
        (("sheet", "PICTURE", "-o", "s.png"), "no style given"),
        (("sheet", "PICTURE", "-o", "s.png", "--style", "PICTURE", "--ratios", "a"), "'a' are no ratios"),
    ],
)
def test_mistakes_are_explained_in_one_line(vst, picture, loss_folder, tmp_path, arguments, message):
    filled = [str(picture) if each == "PICTURE" else each for each in arguments]
    filled = [
        str(tmp_path / each) if each.endswith(("t.png", "r.png", "s.png")) else each for each in filled
    ]
    outcome = vst(*filled, "--loss-network", loss_folder)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_painting_that_is_not_there_is_named(vst, loss_folder, tmp_path):
    outcome = vst("texture", "none.png", "-o", tmp_path / "t.png", "--loss-network", loss_folder)
    assert outcome.code == 1
    assert "none.png does not exist; expected a picture" in outcome.err


def test_help_states_the_ratios_that_are_used(vst):
    assert ",".join(f"{each:g}" for each in RATIOS) in vst("sheet", "--help").out
