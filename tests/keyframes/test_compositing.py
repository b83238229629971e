"""Frames between two keyframes: detail is kept, holes are filled without a seam."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vst.keyframes.carrying import enlarge
from vst.keyframes.composed_flow import Reach
from vst.keyframes.compositing import composite, fill, untrusted

SIZE = (96, 128)


def texture(seed: int) -> np.ndarray:
    """With strokes of a few pixels."""
    noise = np.random.default_rng(seed).random((*SIZE, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 1.2)
    return 0.5 + 0.29 * (smooth - smooth.mean()) / smooth.std()


def mix(a: np.ndarray, b: np.ndarray, to_a: Reach, to_b: Reach, place: float) -> np.ndarray:
    return composite(enlarge(a), enlarge(b), to_a, to_b, place)


def reach(trusted: np.ndarray | int = 1, difference: float = 0) -> Reach:
    trust = np.broadcast_to(np.uint8(trusted), SIZE).copy()
    return Reach(np.zeros((*SIZE, 2), np.float32), trust, np.full(SIZE, difference, np.float32))


@pytest.mark.parametrize("place", [0.125, 0.5, 0.8])
def test_a_mixture_of_two_textures_has_as_much_detail_as_they_have(place):
    a, b = texture(0), texture(1)
    mixed = mix(a, b, reach(), reach(), place)
    own, given = (each - cv2.blur(each, (5, 5)) for each in (mixed, a))
    assert own.std() == pytest.approx(given.std(), rel=0.1)


def test_keyframes_that_agree_are_not_changed():
    a = texture(2)
    np.testing.assert_allclose(mix(a, a, reach(), reach(), 0.5)[4:-4, 4:-4], a[4:-4, 4:-4], atol=0.02)


def test_each_pixel_comes_from_the_keyframe_that_is_trusted():
    a, b = np.zeros((*SIZE, 3), np.float32), np.ones((*SIZE, 3), np.float32)
    left = np.zeros(SIZE, np.uint8)
    left[:, :64] = 1
    mixed = mix(a, b, reach(left), reach(1 - left), 0.5)
    assert mixed[:, :60].max() < 0.01
    assert mixed[:, 68:].min() > 0.99


def test_where_neither_is_trusted_the_one_that_looks_more_like_the_frame_counts():
    a, b = np.zeros((*SIZE, 3), np.float32), np.ones((*SIZE, 3), np.float32)
    mixed = mix(a, b, reach(0, difference=3), reach(0, difference=99), 0.5)
    assert mixed.max() < 0.05


def test_mixtures_go_from_one_keyframe_to_the_other_in_small_steps():
    a, b = np.zeros((*SIZE, 3), np.float32), np.ones((*SIZE, 3), np.float32)
    means = [mix(a, b, reach(), reach(), eighth / 8).mean() for eighth in range(9)]
    steps = np.diff(means)
    assert means[0] == pytest.approx(0, abs=0.01)
    assert means[-1] == pytest.approx(1, abs=0.01)
    assert steps.min() > 0
    assert steps.max() < 0.2


def test_a_hole_is_filled_whole_and_faded_in_around():
    composed, stylized = np.zeros((*SIZE, 3), np.float32), np.ones((*SIZE, 3), np.float32)
    trust = np.ones(SIZE, np.uint8)
    trust[30:60, 40:80] = 0
    hole = untrusted(reach(trust), reach(trust))
    filled = fill(composed, stylized, hole)
    assert filled[31:59, 41:79].min() > 0.98
    assert filled[:20].max() == 0
    assert np.abs(np.diff(filled[:, :, 0], axis=0)).max() < 0.2


def test_single_pixels_are_not_filled():
    composed, stylized = np.zeros((*SIZE, 3), np.float32), np.ones((*SIZE, 3), np.float32)
    hole = np.zeros(SIZE, np.uint8)
    hole[::9, ::9] = 1
    assert fill(composed, stylized, hole).max() == 0
