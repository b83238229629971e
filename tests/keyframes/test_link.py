"""How neighbouring frames relate: wrong flow is infilled, and what is hidden stays hidden."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vst.keyframes.link import Link, Step
from vst.motion import FlowPair
from vst.motion.fields import to_array
from vst.synthetic import create_scene

SIZE = (96, 160)


def pair_of(motion: tuple[float, float]) -> tuple[torch.Tensor, torch.Tensor]:
    backward = torch.tensor(motion)[:, None, None].expand(2, *SIZE).clone()
    return backward, -backward


def test_flow_that_holds_is_not_touched():
    pair = FlowPair(*pair_of((0.0, 3.0)))
    link = Link.of(pair)
    np.testing.assert_array_equal(link.backward.flow[4:-4, 4:-4], to_array(pair.backward)[4:-4, 4:-4])


def test_wrong_flow_is_replaced_by_the_motion_around():
    backward, forward = pair_of((2.0, 1.0))
    backward[:, 40:60, 70:90] = torch.tensor([9.0, -12.0])[:, None, None]
    link = Link.of(FlowPair(backward, forward))
    np.testing.assert_allclose(
        link.backward.flow[30:70, 60:100], [[[2.0, 1.0]]] * np.ones((40, 40, 1)), atol=0.05
    )
    assert link.backward.holds[30:70, 60:100].all()


def test_flow_that_is_wrong_both_ways_is_found_as_well():
    backward, forward = pair_of((2.0, 1.0))
    for flow in (backward, forward):
        flow[:, 40:60, 70:90] += torch.tensor([9.0, -12.0])[:, None, None]
    link = Link.of(FlowPair(backward, forward))
    assert link.backward.holds[30:70, 60:100].all()
    assert link.forward.holds[30:70, 60:100].all()


@pytest.mark.parametrize("name", ["crossing", "pan"])
def test_a_link_is_that_of_its_flow_everywhere(name):
    scene = create_scene(name, width=320, height=180, frames=2)
    backward, forward = scene.flow(1, 0).clone(), scene.flow(0, 1).clone()
    backward[:, 40:60, 70:90] += 9.0
    forward[:, 90:100, 200:210] -= 7.0
    link = Link.of(FlowPair(backward, forward))
    there, back = link.backward.flow, link.forward.flow
    assert (there != to_array(backward)).any()
    assert (back != to_array(forward)).any()
    for step, whole in ((link.backward, Step.of(there, back)), (link.forward, Step.of(back, there))):
        np.testing.assert_array_equal(step.holds, whole.holds)
        np.testing.assert_array_equal(step.nearly, whole.nearly)


def test_flow_where_nothing_holds_is_left_as_it_is():
    away = torch.full((2, *SIZE), 50.0)
    link = Link.of(FlowPair(away, away))
    np.testing.assert_array_equal(link.backward.flow, to_array(away))
    assert not link.backward.nearly.any()


@pytest.mark.parametrize("name", ["crossing", "hidden"])
def test_what_is_uncovered_does_not_hold(name):
    scene = create_scene(name, width=320, height=180, frames=9)
    for t in range(1, 9):
        link = Link.of(FlowPair(scene.flow(t, t - 1), scene.flow(t - 1, t)))
        uncovered = to_array(scene.visible(t, t - 1))[..., 0] == 0
        assert (uncovered & link.backward.holds).mean() < 0.003, t
        assert (uncovered & link.backward.nearly).mean() < 0.004, t


def test_nearly_is_within_two_pixels():
    backward, forward = pair_of((4.0, 0.0))
    forward[0] += 1.5
    step = Link.of(FlowPair(backward, forward)).backward
    assert not step.holds.any()
    assert step.nearly[4:-4, 4:-12].all()
    forward[0] += 1.0
    assert not Link.of(FlowPair(backward, forward)).backward.nearly.any()


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, 1)])
def test_tiny_frames_have_links(shape):
    flow = torch.full((2, *shape), 9.0)
    assert Link.of(FlowPair(flow, flow)).backward.flow.shape == (*shape, 2)
