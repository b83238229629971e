"""Flow that is turned round."""

import numpy as np
import pytest

from vst.motion.fields import grid
from vst.motion.inverse import inverse


def test_a_zoom_is_turned_round_exactly():
    centre = np.array([60, 40], np.float32)
    flow = 0.05 * (grid(80, 120) - centre)  # p to c + 1.05 (p − c)
    there, share = inverse(flow)
    wanted = (1 / 1.05 - 1) * (grid(80, 120) - centre)
    assert share == 0
    # The iteration begins with an error of .05² · 72 pixels; each of two steps leaves a twentieth.
    assert np.hypot(*(there - wanted).transpose(2, 0, 1)).max() < 0.05**4 * 72 * 4


def test_what_comes_into_view_has_no_solution():
    flow = np.zeros((60, 100, 2), np.float32)
    flow[:, 50:, 0] = 10  # the right half moves away and uncovers 10 columns
    there, share = inverse(flow)
    assert np.all(there[:, :45] == 0)
    assert np.all(there[:, 65:, 0] == -10)
    assert share == pytest.approx(10 / 100, abs=0.02)
