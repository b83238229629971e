"""Photographs to train on, and what is learned from them."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from vst.errors import UsageError
from vst.modes.itn.training import picture_distance
from vst.train.picture_files import random_crop
from vst.train.run import run_recipe
from vst.train.training_run import TrainingRun


def test_photographs_are_enlarged_as_far_as_the_recipe_says():
    image = np.tile(np.arange(64, dtype=np.uint8)[None, :, None], (64, 1, 3))
    steps = [
        np.median(
            np.abs(np.diff(random_crop(image, 32, np.random.default_rng(seed), zoom)[..., 0].astype(float)))
        )
        for zoom, seeds in ((1.0, 20), (4.0, 40))
        for seed in range(seeds)
    ]
    assert min(steps[:20]) >= 1  # a step of the ramp a pixel, or more
    assert min(steps[20:]) < 1


@pytest.mark.parametrize("mode", ["itn", "vtn"])
def test_a_compact_network_is_trained(make_recipe, tmp_path, mode):
    recipe = make_recipe(mode, layout="compact", width=4, zoom=2.0)
    path = run_recipe(recipe, TrainingRun(tmp_path / "run", say=lambda _: None))
    assert path.is_file()
    assert "layout compact" in (tmp_path / "run" / "weights.md").read_text()


def test_a_network_of_another_layout_is_not_started_from(make_recipe, tmp_path):
    table = run_recipe(make_recipe(width=4), TrainingRun(tmp_path / "table", say=lambda _: None))
    with pytest.raises(UsageError, match="layout"):
        run_recipe(
            make_recipe(width=4, layout="compact"),
            TrainingRun(tmp_path / "compact", say=lambda _: None),
            start_from=table,
        )


def test_a_network_learns_the_pictures_of_another(make_recipe, tmp_path):
    teacher = run_recipe(make_recipe(width=4), TrainingRun(tmp_path / "teacher", say=lambda _: None))
    recipe = make_recipe(width=4, layout="compact", teacher=str(teacher), steps=30, learning_rate=1e-2)
    run_recipe(recipe, TrainingRun(tmp_path / "run", say=lambda _: None))
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert all(row["total"] == row["distance"] for row in rows)
    target, own = torch.rand(2, 3, 16, 16), torch.zeros(2, 3, 16, 16)
    assert picture_distance(target, target) == 0
    assert picture_distance(own + 0.5, own) == pytest.approx(0.5)


def test_a_teacher_without_a_style_of_the_recipe_is_refused(make_recipe, tmp_path):
    teacher = run_recipe(make_recipe(width=4), TrainingRun(tmp_path / "teacher", say=lambda _: None))
    other = make_recipe(width=4, teacher=str(teacher))
    other = dataclasses.replace(other, styles=(dataclasses.replace(other.styles[0], name="another"),))
    with pytest.raises(UsageError, match="without another; give a weight file of itn"):
        run_recipe(other, TrainingRun(tmp_path / "run", say=lambda _: None))
