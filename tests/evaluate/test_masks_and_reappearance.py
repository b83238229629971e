"""Occlusion masks against the truth, and what comes back after it was hidden."""

from __future__ import annotations

import math

import pytest
import torch

from vst.evaluate import MaskScore, Reappearance, reappearance_error, score_mask
from vst.motion import consistency_mask, occlusion_part
from vst.synthetic import create_scene


def row(*values: int) -> torch.Tensor:
    return torch.tensor([[values]], dtype=torch.float32)


def test_precision_and_recall_are_those_of_occluded_pixels() -> None:
    score = score_mask(row(0, 0, 0, 1, 1, 1), row(0, 1, 1, 0, 1, 1))
    assert score == MaskScore(found=1, called=3, hit=1, occluded=2)
    assert score.precision == pytest.approx(1 / 3)
    assert score.recall == pytest.approx(1 / 2)


def test_a_near_miss_counts_with_tolerance_only() -> None:
    mask, visible = row(1, 0, 1, 1, 1, 0), row(0, 1, 1, 1, 1, 1)
    assert score_mask(mask, visible) == MaskScore(0, 2, 0, 1)
    assert score_mask(mask, visible, tolerance=1) == MaskScore(1, 2, 1, 1)


def test_scores_of_frames_add_up() -> None:
    a, b = score_mask(row(0, 1), row(0, 0)), score_mask(row(0, 0), row(0, 1))
    assert a + b == MaskScore(2, 3, 2, 3)


def test_nothing_called_and_nothing_occluded_have_no_score() -> None:
    score = score_mask(row(1, 1), row(1, 1))
    assert math.isnan(score.precision)
    assert math.isnan(score.recall)


def test_masks_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one size"):
        score_mask(row(1, 1), row(1, 1, 1))


def test_exact_flow_gives_nearly_the_exact_occlusion() -> None:
    scene = create_scene("crossing", width=160, height=120, frames=12)
    whole, part, near = MaskScore(), MaskScore(), MaskScore()
    for t in range(1, 12):
        forward, backward = scene.flow(t - 1, t), scene.flow(t, t - 1)
        truth = scene.visible(t, t - 1)
        whole += score_mask(consistency_mask(forward, backward), truth)
        part += score_mask(occlusion_part(forward, backward), truth)
        near += score_mask(occlusion_part(forward, backward), truth, tolerance=1)
    assert part.recall > 0.99
    # Interpolating the forward flow across outlines calls a line of pixels too many.
    assert 0.75 < part.precision < near.precision
    assert near.precision > 0.9
    # With motion boundaries more is called, none of it less.
    assert whole.recall >= part.recall
    assert whole.called > part.called
    assert whole.precision < part.precision


def test_reappearance_is_the_error_by_pixel_of_the_region() -> None:
    before, after = torch.full((3, 4, 5), 0.2), torch.full((3, 4, 5), 0.5)
    region = torch.zeros(1, 4, 5)
    region[0, 1, 1:3] = 1
    assert reappearance_error(before, after, torch.zeros(2, 4, 5), region) == pytest.approx(0.09)
    assert math.isnan(reappearance_error(before, after, torch.zeros(2, 4, 5), torch.zeros(1, 4, 5)))


def test_what_returns_in_its_colours_has_no_error_and_what_is_painted_anew_has_one() -> None:
    gap = 4
    scene = create_scene("hidden", width=128, height=72, frames=16, gap=gap)
    repainted = torch.rand(3, 72, 128, generator=torch.Generator().manual_seed(0))
    faithful, forgetful = Reappearance(gap), Reappearance(gap)
    for t in range(16):
        region = scene.reappearing(t, gap, margin=1.0)
        flow = scene.flow(t, t - gap - 1) if region.any() else None
        clean = scene.clean(t)
        faithful.step(clean, flow, region)
        forgetful.step(torch.where(region > 0.5, repainted, clean), flow, region)
    assert faithful.pixels == forgetful.pixels > 200
    assert faithful.error < 2e-3
    assert forgetful.error > 0.05


def test_no_region_has_no_error() -> None:
    measure = Reappearance(2)
    for _ in range(6):
        assert math.isnan(measure.step(torch.zeros(3, 4, 4), torch.zeros(2, 4, 4), torch.zeros(1, 4, 4)))
    assert math.isnan(measure.error)
    assert measure.pixels == 0
    with pytest.raises(ValueError, match="at least 1"):
        Reappearance(0)
