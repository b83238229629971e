"""The benchmark of collections: its distance by hand, and a whole run on a tiny collection."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch


def moments(*pictures):
    from benchmarks.feature_moments import FeatureMoments

    found = FeatureMoments()
    for picture in pictures:
        found.add("layer", torch.as_tensor(picture, dtype=torch.float32))
    return found


def test_sets_of_equal_moments_have_no_distance():
    from benchmarks.feature_moments import distance

    torch.manual_seed(0)
    features = torch.randn(3, 4, 5)
    assert distance(moments(features), moments(features)) == pytest.approx(0, abs=1e-6)
    halves = moments(features[:, :2], features[:, 2:])  # the same pixels in two pictures
    assert distance(halves, moments(features)) == pytest.approx(0, abs=1e-6)


def test_the_distance_by_hand():
    from benchmarks.feature_moments import distance

    # One channel: μ = 1, σ² = 1 against ν = 3, σ² = 4: (2² + (1 − 2)²) / (ν² + σ²).
    given, wanted = [[[0.0, 2.0]]], [[[1.0, 5.0]]]
    assert distance(moments(given), moments(wanted)) == pytest.approx(5 / 13)
    assert distance(moments([[[0.0, 0.0]]]), moments(wanted)) == pytest.approx(1)


def test_correlated_channels_differ_from_independent_ones_of_the_same_variances():
    from benchmarks.feature_moments import distance

    along = torch.tensor([[[1.0, 1.0, -1.0, -1.0]], [[1.0, 1.0, -1.0, -1.0]]])
    apart = torch.tensor([[[1.0, 1.0, -1.0, -1.0]], [[1.0, -1.0, 1.0, -1.0]]])
    # C = [[1, 1], [1, 1]], D = 1: tr = 2 + 2 − 2 √2, relative to 2.
    assert distance(moments(along), moments(apart)) == pytest.approx(2 - 2**0.5)


def test_the_nearest_set_is_named():
    from benchmarks.feature_moments import nearest

    sets = {"far": moments([[[9.0, 11.0]]]), "near": moments([[[1.0, 2.0]]])}
    assert nearest(moments([[[1.0, 3.0]]]), sets) == "near"


def test_table_4_1_has_ratios_to_no_temporal_loss():
    from benchmarks.collections import KEYFRAMES, WITH, WITHOUT, temporal_table

    table = temporal_table({"fox": {WITHOUT: 0.008, WITH: 0.004, KEYFRAMES: 0.0008}})
    assert table.splitlines()[-1] == "| fox | 8 | 4 | 0.50 | 0.8 | 0.10 |"


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    for name, count in (("red", 4), ("blue", 4), ("photos", 2)):
        (tmp_path / name).mkdir()
        for number in range(count):
            picture = rng.integers(0, 255, (40, 44, 3), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / name / f"{number}.png"), picture)
    return tmp_path


def test_a_whole_run(pictures, tiny_weights, loss_folder, capsys):
    from benchmarks.collections import main

    output = pictures / "found.json"
    weights = Path(shutil.copytree(tiny_weights, pictures / "weights"))
    (weights / "checkpoint.safetensors").write_bytes(b"of a run that has not ended")
    code = main(
        [
            *("--collection", f"red={pictures / 'red'}", "--collection", f"blue={pictures / 'blue'}"),
            *("--hold-out", "2", "--photos", str(pictures / "photos"), "--loss-network", str(loss_folder)),
            *(
                "--weights-dir",
                str(weights),
                "--single",
                "red=blue",
                "--single-weights",
                str(tiny_weights),
            ),
            *("--sheet", str(pictures / "sheet.png"), "-o", str(output)),
        ]
    )
    assert code == 0, capsys.readouterr().err
    found = json.loads(output.read_text())["distances"]
    assert set(found) == {"red", "blue"}
    assert set(found["red"]["distance"]) == {"photographs", "other paintings", "cyclegan", "itn"}
    assert set(found["blue"]["nearest"]) <= {"red", "blue"}
    assert cv2.imread(str(pictures / "sheet.png")) is not None
    assert "| red |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "nothing to measure"),
        (["--collection", "red=x"], "--collection needs --loss-network"),
        (["--clips", "fox.mp4"], "--clips needs --without"),
    ],
)
def test_what_is_missing_is_named(arguments, complaint, capsys):
    from benchmarks.collections import main

    assert main(arguments) == 2
    assert complaint in capsys.readouterr().err
