"""A keyframe is propagated without losing detail."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vst.keyframes.propagation import enlarge, propagate
from vst.motion.fields import places, sample_at

HEIGHT, WIDTH = 60, 80
INNER = (slice(8, -8), slice(8, -8))


def waves(shift: float, period: float) -> np.ndarray:
    x = np.arange(WIDTH, dtype=np.float32) + np.float32(shift)
    row = np.sin(2 * np.pi * x / period).astype(np.float32)
    return np.repeat(np.repeat(row[None, :, None], HEIGHT, 0), 3, 2)


def flow(x: float, y: float = 0.0) -> np.ndarray:
    return np.broadcast_to(np.array([x, y], np.float32), (HEIGHT, WIDTH, 2)).copy()


def test_where_nothing_moves_the_keyframe_stays():
    noise = np.random.default_rng(0).random((HEIGHT, WIDTH, 3), np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 1.0)
    assert np.abs(propagate(enlarge(noise), flow(0)) - noise)[INNER].max() < 0.01


@pytest.mark.parametrize("shift", [1.0, 0.5, -2.25])
def test_flow_points_to_the_place_in_the_keyframe(shift):
    propagated = propagate(enlarge(waves(0, 8)), flow(shift))
    assert np.abs(propagated - waves(shift, 8))[INNER].max() < 0.02


def test_at_half_pixels_it_keeps_more_detail_than_cubic_interpolation():
    source, wanted = waves(0, 3), waves(0.5, 3)
    propagated = propagate(enlarge(source), flow(0.5))
    cubic = sample_at(source, places(flow(0.5)), cv2.INTER_CUBIC)
    kept, less = (np.abs(each)[INNER].mean() / np.abs(wanted)[INNER].mean() for each in (propagated, cubic))
    assert less < 0.85
    assert 0.93 < kept < 1.1


def test_outside_the_border_is_repeated():
    propagated = propagate(enlarge(waves(0, 8)), flow(500.0))
    assert np.isfinite(propagated).all()
    assert np.ptp(propagated) < 0.3
