"""Precision and recall of occlusion masks against ground truth."""

from __future__ import annotations

import math

import pytest
import torch

from vst.evaluate import MaskScore, score_mask
from vst.motion import consistency_mask, occlusion_part
from vst.synthetic import create_scene


def row(*values: int) -> torch.Tensor:
    return torch.tensor([[values]], dtype=torch.float32)


def test_precision_and_recall_are_those_of_occluded_pixels() -> None:
    score = score_mask(row(0, 0, 0, 1, 1, 1), row(0, 1, 1, 0, 1, 1))
    assert score == MaskScore(correct=1, predicted=3, found=1, occluded=2)
    assert score.precision == pytest.approx(1 / 3)
    assert score.recall == pytest.approx(1 / 2)


def test_a_near_miss_counts_with_tolerance_only() -> None:
    mask, visible = row(1, 0, 1, 1, 1, 0), row(0, 1, 1, 1, 1, 1)
    assert score_mask(mask, visible) == MaskScore(0, 2, 0, 1)
    assert score_mask(mask, visible, tolerance=1) == MaskScore(1, 2, 1, 1)


def test_scores_of_frames_add_up() -> None:
    a, b = score_mask(row(0, 1), row(0, 0)), score_mask(row(0, 0), row(0, 1))
    assert a + b == MaskScore(2, 3, 2, 3)


def test_without_predicted_and_occluded_pixels_precision_and_recall_are_not_numbers() -> None:
    score = score_mask(row(1, 1), row(1, 1))
    assert math.isnan(score.precision)
    assert math.isnan(score.recall)


def test_masks_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one size"):
        score_mask(row(1, 1), row(1, 1, 1))


def test_exact_flow_gives_nearly_the_exact_occlusion_mask() -> None:
    scene = create_scene("crossing", width=160, height=120, frames=12)
    whole, part, near = MaskScore(), MaskScore(), MaskScore()
    for t in range(1, 12):
        forward, backward = scene.flow(t - 1, t), scene.flow(t, t - 1)
        truth = scene.visible(t, t - 1)
        whole += score_mask(consistency_mask(forward, backward), truth)
        part += score_mask(occlusion_part(forward, backward), truth)
        near += score_mask(occlusion_part(forward, backward), truth, tolerance=1)
    assert part.recall > 0.99
    # Interpolating the forward flow across outlines predicts a line of pixels too many.
    assert 0.75 < part.precision < near.precision
    assert near.precision > 0.9
    # Motion boundaries add pixels to the prediction.
    assert whole.recall >= part.recall
    assert whole.predicted > part.predicted
    assert whole.precision < part.precision
