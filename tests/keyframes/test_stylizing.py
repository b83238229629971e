"""What no keyframe shows is stylized anew where it would be seen: if it is much, or in one piece."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vst.keyframes.stylizing import must_fill

SIZES = [(240, 320), (480, 854), (1080, 1920), (2160, 3840)]


def both(hole: np.ndarray) -> bool:
    """The answer for an array, which is that for a tensor."""
    answer = must_fill(hole)
    assert must_fill(torch.from_numpy(hole)) == answer
    return answer


def square(height: int, width: int, part: float) -> np.ndarray:
    """A hole whose side is a part of the short side."""
    hole = np.zeros((height, width), np.uint8)
    side, top, left = round(height * part), height // 3, width // 2
    hole[top : top + side, left : left + side] = 1
    return hole


@pytest.mark.parametrize("size", SIZES)
def test_a_small_thing_in_one_piece_is_stylized(size):
    assert both(square(*size, part=1 / 24))


@pytest.mark.parametrize("size", SIZES)
def test_what_is_smaller_is_not(size):
    assert not both(square(*size, part=1 / 60))
    assert not both(np.zeros(size, np.uint8))


def test_thin_lines_are_stylized_only_if_they_are_much():
    lines = np.zeros((480, 854), np.uint8)
    lines[100, ::2] = lines[200:204] = 1
    assert not both(lines)
    lines[::50, :] = 1
    assert both(lines)
