"""A blend has to lie between its styles."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest


def test_losses_are_monotone_if_they_rise_at_every_step() -> None:
    from benchmarks.blend import monotone

    assert monotone([0.1, 0.2, 0.3, 0.5, 0.9])
    assert not monotone([0.1, 0.3, 0.2, 0.5, 0.9])
    assert not monotone([0.1, 0.2, 0.2, 0.5, 0.9])
    assert not monotone([0.9, 0.5, 0.3, 0.2, 0.1])


def test_between_compares_with_both_ends() -> None:
    from benchmarks.blend import between

    assert between([0.1, 0.4, 0.3, 0.5])
    assert between([0.5, 0.4, 0.3, 0.1])
    assert not between([0.1, 0.6, 0.3, 0.5])
    assert not between([0.1, 0.05, 0.3, 0.5])


def test_the_command_measures_five_weights_from_one_style_to_the_other(
    pictures: Path,
    tiny_weights: Path,
    loss_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from benchmarks.blend import main, monotone

    arguments = [
        "--photos", str(pictures / "photos"), "--count", "2", "--size", "40",
        "--style-images", str(pictures / "styles"), "--loss-network", str(loss_folder),
        "--weights-dir", str(tiny_weights),
    ]  # fmt: skip
    found = {}
    for first, second in (("red", "blue"), ("blue", "red")):
        out, sheet = tmp_path / f"{first}.json", tmp_path / f"{first}.png"
        extra = ["--sheet", str(sheet), "--sheet-side", "32", "--sheet-photos", "1"]
        assert main(["--styles", first, second, *arguments, *extra, "-o", str(out)]) == 0
        found[first] = json.loads(out.read_text())
        assert cv2.imread(str(sheet)).shape[1] >= 6 * 24
    means, other = found["red"]["means"], found["blue"]["means"]
    for column in ("content", "style to red", "style to blue", "gradient"):
        assert len(means[column]) == 5
        # Told from the other side it is the same story backwards.
        assert means[column] == pytest.approx(other[column][::-1], rel=1e-4)
    for first in ("red", "blue"):
        verdicts = found[first]["verdicts"]
        assert verdicts["style to red"]["monotone"] == monotone(found["red"]["means"]["style to red"])
        assert verdicts["style to blue"]["monotone"] == monotone(found["blue"]["means"]["style to blue"])
    said = capsys.readouterr().out
    assert "| red 0.75, blue 0.25 |" in said
    assert said.count("monotone and") == 4


def test_a_blend_of_a_style_with_itself_is_refused(
    pictures: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.blend import main

    arguments = ["--style-images", str(pictures / "styles"), "--loss-network", "vgg16"]
    assert main(["--styles", "red", "red", *arguments, "--weights-dir", str(tiny_weights)]) == 2
    assert "give two styles" in capsys.readouterr().err
