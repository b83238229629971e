"""Frames between two keyframes: detail is kept, holes are filled without a seam."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vst.keyframes.composed_flow import Reach
from vst.keyframes.compositing import composite, fill, not_shown
from vst.keyframes.propagation import enlarge

SIZE = (96, 128)


def texture(seed: int) -> np.ndarray:
    """With strokes of a few pixels."""
    noise = np.random.default_rng(seed).random((*SIZE, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 1.2)
    return 0.5 + 0.29 * (smooth - smooth.mean()) / smooth.std()


def mix(a: np.ndarray, b: np.ndarray, part: float) -> np.ndarray:
    return composite(enlarge(a), enlarge(b), reach(), reach(), np.full(SIZE, part, np.float32))


def reach(usable: np.ndarray | int = 1) -> Reach:
    trust = np.broadcast_to(np.uint8(usable), SIZE).copy()
    return Reach(np.zeros((*SIZE, 2), np.float32), trust, trust, np.zeros(SIZE, np.float32))


@pytest.mark.parametrize("part", [0.125, 0.5, 0.8])
def test_a_mixture_of_two_textures_has_as_much_detail_as_they_have(part):
    a, b = texture(0), texture(1)
    mixed = mix(a, b, part)
    own, given = (each - cv2.blur(each, (5, 5)) for each in (mixed, a))
    assert own.std() == pytest.approx(given.std(), rel=0.1)


def test_keyframes_that_agree_are_not_changed():
    a = texture(2)
    np.testing.assert_allclose(mix(a, a, 0.5)[4:-4, 4:-4], a[4:-4, 4:-4], atol=0.02)


def test_each_pixel_has_its_own_parts():
    a, b = np.zeros((*SIZE, 3), np.float32), np.ones((*SIZE, 3), np.float32)
    part = np.zeros(SIZE, np.float32)
    part[:, 64:] = 1
    mixed = composite(enlarge(a), enlarge(b), reach(), reach(), part)
    assert mixed[:, :60].max() < 0.01
    assert mixed[:, 68:].min() > 0.99


def test_a_hole_is_filled_whole_and_faded_in_around():
    composed, stylized = np.zeros((*SIZE, 3), np.float32), np.ones((*SIZE, 3), np.float32)
    trust = np.ones(SIZE, np.uint8)
    trust[30:60, 40:80] = 0
    hole = not_shown(reach(trust), reach(trust))
    filled = fill(composed, stylized, hole)
    assert filled[31:59, 41:79].min() > 0.98
    assert filled[:20].max() == 0
    assert np.abs(np.diff(filled[:, :, 0], axis=0)).max() < 0.2


def test_single_pixels_are_not_filled():
    composed, stylized = np.zeros((*SIZE, 3), np.float32), np.ones((*SIZE, 3), np.float32)
    hole = np.zeros(SIZE, np.uint8)
    hole[::9, ::9] = 1
    assert fill(composed, stylized, hole).max() == 0
