"""Composed flow: exact over many steps, and trusted where the keyframe shows the same thing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vst.keyframes.composed_flow import ComposedFlow
from vst.keyframes.link import Link, Step
from vst.motion import FlowPair
from vst.motion.fields import luma_of, places, sample_at, to_array
from vst.synthetic import create_scene


@pytest.fixture(scope="module", params=["pan", "crossing", "hidden"])
def scene(request):
    return create_scene(request.param, width=320, height=180, frames=17)


def reaches(scene, count):
    composed = ComposedFlow(luma_of(scene.frame(0)))
    for t in range(1, count + 1):
        link = Link.of(FlowPair(scene.flow(t, t - 1), scene.flow(t - 1, t)))
        yield t, composed.extend(luma_of(scene.frame(t)), link.backward)


def same(flow: np.ndarray, holds: bool = True) -> Step:
    everywhere = np.full(flow.shape[:2], holds)
    return Step(flow, everywhere, everywhere)


def test_composed_flow_is_the_direct_one_where_it_is_trusted(scene):
    for t, reach in reaches(scene, 8):
        seen = to_array(scene.visible(t, 0))[..., 0] > 0
        error = np.abs(reach.flow - to_array(scene.flow(t, 0))).max(-1)
        assert np.median(error[seen & (reach.trust > 0)]) < 0.05
        assert (error[seen & (reach.trust > 0)] > 1).mean() < 0.02


def test_what_is_trusted_is_seen_in_the_keyframe_and_on_the_way_to_it(scene):
    seen = np.ones((180, 320), np.float32)
    for t, reach in reaches(scene, 16):
        step = to_array(scene.visible(t, t - 1))[..., 0]
        seen = step * sample_at(seen, places(to_array(scene.flow(t, t - 1))), cv2.INTER_NEAREST)
        # Infilled flow keeps a little more far away, where things pass each other slowly (pan).
        assert ((seen == 0) & (reach.trust > 0)).mean() < (0.02 if t <= 12 else 0.025), t
        assert ((seen > 0) & (reach.trust == 0)).mean() < 0.05, t


def test_what_has_lost_trust_does_not_get_it_back():
    scene = create_scene("pan", width=160, height=96, frames=4)
    composed = ComposedFlow(luma_of(scene.frame(0)))
    still = np.zeros((96, 160, 2), np.float32)
    away = np.full((96, 160, 2), 1e5, np.float32)
    luma = luma_of(scene.frame(0))
    assert composed.extend(luma, same(still)).trust.all()
    assert not composed.extend(luma, same(away)).trust.any()
    assert not composed.extend(luma, same(still)).trust.any()


def test_what_is_nearly_right_is_of_use_and_is_not_trusted():
    scene = create_scene("pan", width=160, height=96, frames=1)
    luma, still = luma_of(scene.frame(0)), np.zeros((96, 160, 2), np.float32)
    nowhere, everywhere = np.zeros((96, 160), bool), np.ones((96, 160), bool)
    composed = ComposedFlow(luma)
    for _ in range(2):
        reach = composed.extend(luma, Step(still, nowhere, everywhere))
        assert reach.usable.all()
        assert not reach.trust.any()
    assert not composed.extend(luma, Step(still, nowhere, nowhere)).usable.any()
    assert not composed.extend(luma, Step(still, everywhere, everywhere)).usable.any()


def test_a_change_of_the_whole_light_is_no_reason_to_distrust():
    scene = create_scene("pan", width=160, height=96, frames=1)
    still = np.zeros((96, 160, 2), np.float32)
    bright, dark = scene.frame(0).clamp(0, 1) * 0.5 + 0.4, scene.frame(0).clamp(0, 1) * 0.5
    assert ComposedFlow(luma_of(bright)).extend(luma_of(dark), same(still)).trust.mean() > 0.95
