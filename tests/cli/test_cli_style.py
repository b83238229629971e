"""`vst style add`: options become a new style."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def added(monkeypatch, tmp_path):
    """Replaces the learning; gives what it was called with."""
    calls = []

    def fake(new, bases, folder, work, **options):
        calls.append((new, bases, folder, work, options))
        return [folder / f"{new.name}-{base.name}" for base in bases]

    monkeypatch.setattr("vst.train.add.add_style", fake)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return calls


@pytest.fixture
def painting(tmp_path):
    path = tmp_path / "painting.jpg"
    path.write_bytes(b"a picture")
    return path


def test_a_painting_becomes_a_style_of_both_modes(
    vst, added, painting, tiny_weights, monkeypatch, tmp_path
):
    monkeypatch.setenv("VST_WEIGHTS", str(tiny_weights))
    outcome = vst(
        *("style", "add", str(painting), "--name", "mine", "--base", "itn-tiny", "--base", "vtn-tiny"),
        *("--photos", "p", "--title", "Mine", "--style-size", "300", "--minutes", "3"),
    )
    assert outcome.code == 0, outcome.err
    new, bases, folder, work, options = added[0]
    assert (new.name, new.images, new.size, new.photos) == ("mine", (str(painting),), 300, ("p",))
    assert [base.name for base in bases] == ["itn-tiny.safetensors", "vtn-tiny.safetensors"]
    assert folder == tmp_path / "home/vst/weights"
    assert work == tmp_path / "home/vst/training/mine"
    assert options["minutes"] == 3
    assert outcome.out.splitlines()[-1] == "to use it: --style mine"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nowhere.jpg", "--name", "a"), "nowhere.jpg is not a file"),
        (("nowhere.jpg@m.png", "--name", "a"), "nowhere.jpg is not a file"),
        (("{painting}", "--name", "a+b"), "use letters, digits, - and _"),
        (("{painting}", "--name", "red"), "there is a style 'red' already"),
        (("{painting}", "--name", "a", "--base", "itn-tinny"), "did you mean 'itn-tiny'?"),
        (("{painting}",), "--name"),
        (("{painting}", "--name", "a", "--mode", "vtm"), "did you mean 'vtn'?"),
    ],
)
def test_invalid_arguments_are_refused(
    vst, added, painting, tiny_weights, monkeypatch, arguments, complaint
):
    monkeypatch.setenv("VST_WEIGHTS", str(tiny_weights))
    outcome = vst("style", "add", *(each.format(painting=painting) for each in arguments))
    assert outcome.code == 2
    assert complaint in outcome.err
    assert not added


def test_a_group_without_a_command_prints_its_help(vst):
    outcome = vst("style", "ad")
    assert outcome.code == 2
    assert "add" in outcome.err


def test_the_style_is_written_into_the_given_weights_folder(vst, added, painting, tiny_weights):
    outcome = vst("style", "add", str(painting), "--name", "mine", "--weights-dir", str(tiny_weights))
    assert outcome.code == 0, outcome.err
    assert added[0][2] == Path(tiny_weights)
