"""The benchmark of transitions measures steps in the wrong direction."""

from __future__ import annotations

import pytest


def test_a_step_back_is_a_share_of_the_whole_change():
    from benchmarks.transition import back

    assert back([4, 3, 3, 1, 0]) == 0
    assert back([0, 1, 3, 2, 4]) == pytest.approx(0.25)
    assert back([4, 3, 3, 1, 2, 0]) == pytest.approx(0.25)
    assert back([0, 1, 3, 2, 4], apart=2) == 0
