"""Lucas and Kanade's step: flow that is nearly right becomes right to a fraction of a pixel."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vst.motion.fields import grid
from vst.motion.local_refinement import refine_locally

SIZE = (96, 128)


def texture(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(0, 255, SIZE).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    return cv2.normalize(smooth, None, 20, 235, cv2.NORM_MINMAX)


def moved(picture: np.ndarray, x: float, y: float) -> np.ndarray:
    """The other frame: what is at p is at p + (x, y) there."""
    places = grid(*SIZE) - np.float32((x, y))
    return cv2.remap(picture, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def constant(x: float, y: float) -> np.ndarray:
    return np.broadcast_to(np.float32((x, y)), (*SIZE, 2)).copy()


def as_bytes(picture: np.ndarray) -> np.ndarray:
    return picture.round().clip(0, 255).astype(np.uint8)


INNER = (slice(12, -12), slice(12, -12))


@pytest.mark.parametrize(("x", "y"), [(0.4, 0.0), (0.0, -0.3), (2.3, 1.6)])
def test_a_fraction_of_a_pixel_is_found(x, y):
    picture = texture(1)
    start = constant(round(x), round(y))
    found = refine_locally(start, as_bytes(picture), as_bytes(moved(picture, x, y)), 2)
    error = np.abs(found - np.float32((x, y)))[INNER]
    assert error.mean() < 0.05


def test_each_step_brings_it_nearer():
    picture = texture(2)
    a, b = as_bytes(picture), as_bytes(moved(picture, 0.8, 0.5))
    start, exact = constant(0, 0), np.float32((0.8, 0.5))
    errors = [np.abs(refine_locally(start, a, b, n) - exact)[INNER].mean() for n in range(4)]
    assert errors == sorted(errors, reverse=True)
    assert errors[3] < errors[0] / 5


def test_flow_stays_where_there_is_nothing_to_follow():
    even = np.full(SIZE, 128, np.uint8)
    noisy = as_bytes(128 + np.random.default_rng(3).normal(0, 1, SIZE))
    found = refine_locally(constant(3, -2), even, noisy, 3)
    assert np.abs(found - np.float32((3, -2))).max() < 0.1


def test_what_is_hidden_in_the_other_frame_does_not_pull():
    picture = texture(4)
    b = as_bytes(moved(picture, 0.4, 0))
    b[40:56, 40:56] = 255  # something covers it
    found = refine_locally(constant(0, 0), as_bytes(picture), b, 2)
    beside = found[36:60, 58:62]
    assert np.abs(beside - np.float32((0.4, 0))).mean() < 0.1


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (33, 2), (97, 95)])
def test_any_size_is_accepted(size):
    random = np.random.default_rng(5)
    a, b = (random.integers(0, 255, size, np.uint8) for _ in range(2))
    found = refine_locally(np.zeros((*size, 2), np.float32), a, b, 2)
    assert found.shape == (*size, 2)
    assert np.abs(found).max() <= 2
