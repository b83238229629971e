"""Sizes, steps, paintings and memory."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from vst.errors import UsageError
from vst.losses.style_statistics import STYLE_LOSSES
from vst.modes.optimisation.config import OptimisationConfig
from vst.modes.optimisation.memory import LARGEST_WHOLE, TILE, optimisation_memory
from vst.modes.optimisation.paintings import Paintings, painting_side
from vst.modes.optimisation.schedule import cost, level_sizes, level_steps, steps_within
from vst.modes.optimisation.terms import content_layers, style_layers


def test_sizes_double_up_to_the_frames_own_and_none_is_tiny():
    assert level_sizes(576, 384, 3) == [(144, 96), (288, 192), (576, 384)]
    assert level_sizes(100, 80, 3) == [(100, 80)]


@pytest.mark.parametrize("steps", [1, 2, 7, 240])
def test_the_steps_of_all_sizes_are_as_many_as_asked(steps):
    found = level_steps(steps, 3)
    assert sum(found) == steps
    # Of very few steps a size may have one more than a smaller one, by rounding.
    assert all(larger <= smaller + (steps < 7) for smaller, larger in pairwise(found))


def test_steps_within_a_budget_cost_as_much():
    sizes = level_sizes(576, 384, 3)
    assert cost(sizes, steps_within(30, sizes)) == pytest.approx(30, abs=1)
    assert steps_within(0, sizes) == 3
    assert cost([(8, 8)], 10) == 10


def test_the_painting_grows_with_the_frame_and_the_stroke_size():
    assert painting_side(576, 384, None) == 512
    assert painting_side(3840, 2160, None) == 2304
    assert painting_side(640, 480, 2.0) == 1024


def test_paintings_have_the_side_that_is_asked_for(painting):
    opened = Paintings([painting], [1.0])
    assert [each.shape for each in opened.at(30)] == [(3, 20, 30)]
    # Twice its own size at most: it gets no finer.
    assert [each.shape for each in opened.at(1000)] == [(3, 80, 120)]
    assert opened.notes == ()


def test_shares_weigh_the_statistics_of_paintings():
    one, two = torch.rand(1, 4, 9, 9), torch.rand(1, 4, 30, 20)
    for name, statistic in STYLE_LOSSES.items():
        both = statistic.describe([one, two], [0.25, 0.75])
        assert both.shape == statistic.describe([one]).shape
        if name == "mmd-gaussian":
            torch.testing.assert_close(both[:, :96], statistic.describe([one], [1.0])[:, :96])
        else:
            expected = 0.25 * statistic.describe([one]) + 0.75 * statistic.describe([two])
            torch.testing.assert_close(both, expected)


def test_layers_that_are_given_have_weights_that_sum_to_one():
    config = OptimisationConfig(style_layers=(("relu1_1", 3.0), ("relu2_1", 1.0)))
    assert style_layers(config, ("relu1_1", "relu2_1")) == {"relu1_1": 0.75, "relu2_1": 0.25}
    with pytest.raises(UsageError, match="no style layer 'relu2_1': did you mean 'relu2_2'"):
        style_layers(config, ("relu1_1", "relu2_2"))


def test_content_is_compared_at_conv4_2_and_earlier_where_the_network_ends():
    assert content_layers(OptimisationConfig(), ("relu3_3", "relu4_2")) == {"relu4_2": 1.0}
    assert content_layers(OptimisationConfig(), ("relu3_3", "relu4_1")) == {"relu3_3": 1.0}


def test_a_large_frame_is_optimised_in_tiles_within_12_gb():
    small = optimisation_memory(576, 384, torch.bfloat16, "relu5_1", None)
    assert (small.tile, small.peak) == (None, small.without_tiles)
    large = optimisation_memory(3840, 2160, torch.bfloat16, "relu5_1", None)
    assert large.tile == TILE
    assert large.without_tiles > LARGEST_WHOLE
    assert large.smallest_tiles < large.peak < 12 * 2**30
    assert optimisation_memory(3840, 2160, torch.bfloat16, "relu5_1", 0).tile is None
