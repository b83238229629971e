"""What comes back after it was out of sight, by motion that was estimated."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vst.evaluate.returning import Returning, mean_error
from vst.frame import Motion

H, W = 8, 10


def constant(value: float) -> Tensor:
    return torch.full((3, H, W), value)


def motion(distance: int, columns: slice) -> Motion:
    """At rest, trusted in some columns."""
    mask = torch.zeros(1, H, W)
    mask[..., columns] = 1
    return Motion(torch.zeros(2, H, W), mask, distance)


def test_only_what_no_nearer_frame_can_be_trusted_for_counts_and_for_the_nearest_that_can() -> None:
    returning = Returning(["a"])
    for t, value in enumerate((0.0, 0.2, 0.4, 0.6, 1.0)):
        motions = {}
        if t == 4:
            # Columns 0..4 are seen in the last frame, 5..6 two frames back, 5..9 four frames back.
            motions = {1: motion(1, slice(0, 5)), 2: motion(2, slice(4, 7)), 4: motion(4, slice(5, 10))}
        returning.step({"a": constant(value)}, motions, t == 0)
    *before, last = returning.frames["a"]
    assert all(frame.pixels == 0 and math.isnan(frame.error) for frame in before)
    assert last.pixels == 5 * H
    expected = (2 * (1.0 - 0.4) ** 2 + 3 * (1.0 - 0.0) ** 2) / 5
    assert last.error == pytest.approx(expected, abs=0.01)
    assert mean_error(returning.frames["a"]) == last.error


def test_nothing_comes_back_across_a_cut() -> None:
    returning = Returning(["a"])
    for t in range(4):
        motions = {1: motion(1, slice(0, 5)), 2: motion(2, slice(0, 10))}
        returning.step({"a": constant(t / 10)}, {} if t == 2 else motions, t in (0, 2))
    assert [frame.pixels for frame in returning.frames["a"]] == [0, 0, 0, 0]
    assert math.isnan(mean_error(returning.frames["a"]))
