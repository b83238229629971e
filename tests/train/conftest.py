"""Small data to train on: photographs, a clip, a painting."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vst.modes.recipe import StyleGoal, create_recipe


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
def make_recipe(data, loss_folder):
    """Makes a small recipe of a mode."""

    def make(mode="itn", **changes):
        values = {
            "mode": mode,
            "styles": (StyleGoal("noise", (str(data / "style.png"),)),),
            "photos": (str(data / "photos"),),
            "clips": (str(data / "clips"),),
            "loss_network": str(loss_folder),
            "width": 2,
            "size": 32,
            "batch": 2,
            "sequences": 1,
            "unroll": 2,
            "warm_up": 2,
            "steps": 3,
        }
        return create_recipe(values | changes)

    return make


@pytest.fixture
def recipe(make_recipe):
    """A small recipe for itn."""
    return make_recipe()
