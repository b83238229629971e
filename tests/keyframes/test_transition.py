"""From one keyframe to the next: linear where both are trusted, over before trust in one ends."""

from __future__ import annotations

import numpy as np
import pytest

from vst.keyframes.composed_flow import Reach
from vst.keyframes.link import Link, Step
from vst.keyframes.transition import transition

SIZE = (24, 32)
INTERVAL = 8


def reach(trust: int, usable: int | None = None, difference: float = 0) -> Reach:
    shown = [np.full(SIZE, each, np.uint8) for each in (trust, trust if usable is None else usable)]
    return Reach(np.zeros((*SIZE, 2), np.float32), *shown, np.full(SIZE, difference, np.float32))


def links(motion: float = 0) -> list[Link]:
    holds = np.ones(SIZE, bool)
    flow = np.zeros((*SIZE, 2), np.float32)
    flow[..., 0] = motion
    return [Link(Step(flow, holds, holds), Step(-flow, holds, holds))] * INTERVAL


def parts(before: list[Reach], after: list[Reach], motion: float = 0) -> list[np.ndarray]:
    return list(transition(before, after, links(motion)))


def test_both_trusted_throughout_is_linear():
    found = parts([reach(1)] * 7, [reach(1)] * 7)
    for place, part in enumerate(found, 1):
        np.testing.assert_allclose(part, place / INTERVAL, atol=0.01)


@pytest.mark.parametrize("ends", [3, 5])
def test_the_transition_is_over_when_trust_in_the_earlier_ends(ends):
    found = parts([reach(int(t <= ends)) for t in range(1, 8)], [reach(1)] * 7)
    means = [0, *(part.mean() for part in found), 1]
    assert np.diff(means).max() < 1.1 / (ends + 1)
    assert min(means[ends + 1 :]) > 0.9


def test_the_transition_begins_when_trust_in_the_later_does():
    found = parts([reach(1)] * 7, [reach(int(t >= 5)) for t in range(1, 8)])
    means = [0, *(part.mean() for part in found), 1]
    assert max(means[:5]) < 0.05
    assert np.diff(means).max() < 0.3


def test_lifetimes_follow_the_motion():
    # A part of the picture that moves to the right by 4 pixels a frame, and is trusted only up to frame 4.
    before = []
    for t in range(1, 8):
        trust = np.ones(SIZE, np.uint8)
        if t > 4:
            trust[:, 4 * t - 4 : 4 * t + 4] = 0
        before.append(Reach(np.zeros((*SIZE, 2), np.float32), trust, trust, np.zeros(SIZE, np.float32)))
    part = parts(before, [reach(1)] * 7, motion=-4)[3]
    assert part[12, 15] > 0.7
    assert part[12, 4] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(("usable", "difference"), [((1, 0), (9, 9)), ((0, 0), (3, 99))])
def test_where_neither_is_trusted_the_better_one_counts(usable, difference):
    earlier, later = (reach(0, *each) for each in zip(usable, difference, strict=True))
    assert parts([earlier] * 7, [later] * 7)[3].max() < 0.1


def test_where_neither_is_trusted_it_is_linear_too():
    found = [part.mean() for part in parts([reach(0)] * 7, [reach(0)] * 7)]
    np.testing.assert_allclose(found, np.arange(1, 8) / INTERVAL, atol=0.01)
