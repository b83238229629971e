"""What was hidden for longer than an interval is taken from older keyframes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor

from vst.frame import Frame
from vst.keyframes.memory import KEPT, KeyframeMemory
from vst.motion.fields import to_array

HEIGHT, WIDTH = 96, 128


def picture(shift: int, seed: int = 0) -> Tensor:
    """A texture that moves to the left by `shift` pixels."""
    noise = torch.rand(1, 3, 14, 24, generator=torch.Generator().manual_seed(seed))
    wide = torch.nn.functional.interpolate(noise, size=(HEIGHT, WIDTH + 60), mode="bicubic")[0].clamp(0, 1)
    return wide[:, :, shift : shift + WIDTH]


def frame(image: Tensor) -> Frame:
    return Frame(9, Fraction(9), Fraction(1), image)


def nothing_trusted() -> tuple[list[np.ndarray], np.ndarray]:
    return [np.zeros((HEIGHT, WIDTH, 3), np.float32)], np.zeros((HEIGHT, WIDTH), np.uint8)


def test_an_older_keyframe_fills_what_the_last_one_does_not_show():
    memory, now = KeyframeMemory(), picture(6)
    memory.add([picture(0) * 2 - 1], picture(0))
    (past,), trust = memory.complete(frame(now), *nothing_trusted())
    inner = (slice(8, -8), slice(8, -16))
    assert trust[inner].mean() > 0.9
    assert trust[:, -4:].mean() < 0.2  # came in from outside
    error = np.abs(past - (to_array(now) * 2 - 1))[inner][trust[inner] > 0]
    assert error.mean() < 0.05


def test_what_is_trusted_already_stays():
    memory = KeyframeMemory()
    memory.add([picture(0) * 2 - 1], picture(0))
    past, trust = nothing_trusted()
    trust[:, :64] = 1
    (filled,), wider = memory.complete(frame(picture(0)), past, trust)
    assert not filled[:, :64].any()
    assert wider[:, 72:-8].mean() > 0.9


def test_a_keyframe_that_shows_something_else_fills_nothing():
    memory = KeyframeMemory()
    memory.add([picture(0, seed=1) * 2 - 1], picture(0, seed=1))
    _, trust = memory.complete(frame(picture(0)), *nothing_trusted())
    assert trust.mean() < 0.1


def test_where_little_is_missing_no_flow_is_estimated(monkeypatch):
    memory = KeyframeMemory()
    memory.add([picture(0) * 2 - 1], picture(0))
    monkeypatch.setattr("vst.keyframes.memory.direct_flow", lambda *_: pytest.fail("flow was estimated"))
    past, trust = nothing_trusted()
    trust[:, 1:] = 1
    trust[20:, :] = 1
    assert memory.complete(frame(picture(0)), past, trust)[0][0] is past[0]


def test_the_newest_keyframe_comes_first_and_old_ones_are_forgotten():
    memory = KeyframeMemory()
    for value in range(KEPT + 3):
        memory.add([torch.full((3, HEIGHT, WIDTH), value / 100)], picture(0))
    (past,), trust = memory.complete(frame(picture(0)), *nothing_trusted())
    assert past[trust > 0].mean() == pytest.approx((KEPT + 2) / 100, abs=1e-3)
    assert len(memory.snapshot()) == 2 * KEPT


def test_a_memory_continues_exactly_from_a_snapshot():
    first, second = KeyframeMemory(), KeyframeMemory()
    for shift in (0, 3):
        first.add([picture(shift) * 2 - 1], picture(shift))
    second.restore(first.snapshot())
    results = [each.complete(frame(picture(5)), *nothing_trusted()) for each in (first, second)]
    for (past,), trust in results:
        assert np.array_equal(past, results[0][0][0])
        assert np.array_equal(trust, results[0][1])


def test_a_shot_that_begins_has_no_memory():
    memory = KeyframeMemory()
    memory.add([picture(0) * 2 - 1], picture(0))
    memory.clear()
    assert memory.snapshot() == ()
    _, trust = memory.complete(frame(picture(0)), *nothing_trusted())
    assert not trust.any()
