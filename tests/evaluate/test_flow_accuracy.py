from __future__ import annotations

import math

import pytest
import torch

from vst.evaluate.flow_accuracy import FlowScore, ZeroFlow, evaluate_flow, score_flow
from vst.evaluate.flow_datasets import FlowPair, FlowTruth
from vst.evaluate.mask_accuracy import MaskScore
from vst.motion import Estimator


def field(*vectors: tuple[float, float]) -> torch.Tensor:
    """Flow of one row, 2×1×N."""
    return torch.tensor(vectors).T[:, None]


def test_the_end_point_error_is_the_mean_length_of_the_difference():
    score = score_flow(field((3, 4), (1, 1), (0, 2)), field((0, 0), (1, 1), (0, 3)))
    assert score.pixels == 3
    assert score.epe == pytest.approx((5 + 0 + 1) / 3)


def test_an_outlier_is_wrong_by_more_than_3_pixels_and_by_more_than_5_percent():
    truth = field((0, 0), (0, 0), (100, 0), (100, 0), (50, 0))
    flow = field((3, 0), (3.01, 0), (104.9, 0), (105.1, 0), (53, 0))
    score = score_flow(flow, truth)
    assert score.outliers == 2
    assert score.fl_all == pytest.approx(40)


def test_pixels_with_unknown_flow_do_not_count():
    nan = math.nan
    score = score_flow(
        field((9, 9), (2, 0)),
        field((nan, nan), (0, 0)),
        torch.tensor([[[True, False]]]),
        torch.tensor([[[0.0, 0.0]]]),
    )
    assert (score.pixels, score.epe) == (1, 2)
    assert (score.matched, score.occluded) == (1, 0)
    assert score.mask == MaskScore(correct=0, predicted=1, found=0, occluded=0)


def test_matched_and_occluded_pixels_are_scored_separately_and_so_is_the_mask():
    score = score_flow(
        field((1, 0), (2, 0), (3, 0), (8, 0)),
        field((0, 0), (0, 0), (0, 0), (0, 0)),
        torch.tensor([[[False, False, True, True]]]),
        torch.tensor([[[1.0, 0.0, 0.0, 1.0]]]),
    )
    assert (score.epe, score.epe_matched, score.epe_occluded) == (3.5, 1.5, 5.5)
    assert (score.mask.precision, score.mask.recall) == (0.5, 0.5)


def test_scores_without_ground_truth_are_not_numbers():
    score = score_flow(field((1, 0)), field((0, 0)))
    for value in (score.epe_matched, score.epe_occluded, score.mask.precision, score.pair_seconds):
        assert math.isnan(value)
    assert math.isnan(FlowScore().epe)


def test_scores_add_up_pixel_by_pixel_and_times_give_their_median():
    total = FlowScore()
    for flow, seconds in ((field((1, 0)), 1.0), (field((4, 0), (4, 0), (4, 0)), 9.0), (field((0, 5)), 2.0)):
        total = total + score_flow(flow, torch.zeros_like(flow)) + FlowScore(seconds=(seconds,))
    assert total.epe == pytest.approx((1 + 12 + 5) / 5)
    assert total.fl_all == pytest.approx(80)
    assert total.pair_seconds == 2


def test_flows_of_different_size_are_refused():
    with pytest.raises(ValueError, match="one size"):
        score_flow(torch.zeros(2, 3, 4), torch.zeros(2, 3, 5))


class Constant(Estimator):
    """Forward flow of `u` pixels to the right everywhere, and backward flow of half of that."""

    name = "constant"

    def __init__(self, u: float) -> None:
        self.u = u

    def estimate_pair(self, a, b):
        forward, back = torch.zeros(2, *a.shape[-2:]), torch.zeros(2, *a.shape[-2:])
        forward[0], back[0] = self.u, -self.u / 2
        return forward, back


@pytest.fixture
def pairs(tmp_path):
    """Two pairs of 8×6 that move 2 pixels to the right; in the first, the last column is occluded."""
    found = []
    for name in "ab":
        for k in (1, 2):
            (tmp_path / f"{name}{k}.ppm").write_bytes(b"P6 8 6 255\n" + bytes(8 * 6 * 3))
        flow = torch.zeros(2, 6, 8)
        flow[0] = 2
        occluded = torch.zeros(1, 6, 8, dtype=torch.bool)
        occluded[..., 7] = True
        truth = FlowTruth(flow, occluded if name == "a" else None)
        found.append(
            FlowPair(name, tmp_path / f"{name}1.ppm", tmp_path / f"{name}2.ppm", lambda truth=truth: truth)
        )
    return found


def test_the_error_of_zero_flow_is_the_length_of_the_true_flow(pairs):
    reported = []
    score = evaluate_flow(pairs, ZeroFlow(), reported.append)
    assert (score.epe, score.epe_matched, score.epe_occluded, score.fl_all) == (2, 2, 2, 0)
    assert score.mask == MaskScore(0, 0, 0, 6)
    assert reported == pairs
    assert len(score.seconds) == 2


def test_the_mask_is_that_of_the_first_frame(pairs):
    # Two pixels to the right: the last two columns leave the frame; one back is close enough.
    score = evaluate_flow(pairs, Constant(2.0))
    assert score.epe == 0
    assert score.mask == MaskScore(correct=0, predicted=48, found=0, occluded=0) + MaskScore(6, 0, 6, 6)
