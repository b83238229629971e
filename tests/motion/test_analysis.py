from __future__ import annotations

from fractions import Fraction

import torch

from vst.frame import Frame
from vst.motion import create_estimator, track
from vst.motion.analysis import analyse


def stream(world, count, cut):
    return ((Frame(t, Fraction(t), Fraction(1), world.frame(t)), t in (0, cut)) for t in range(count))


def test_every_motion_comes_with_its_pair_of_estimated_flows(make_world):
    world = make_world(disc=lambda t: (-100.0 + 8 * t, 0.0, 30.0), height=241, width=300)
    dis = create_estimator("dis")
    plain = list(track(stream(world, 9, 5), dis))
    analysed = list(analyse(stream(world, 9, 5), dis))
    assert any(len(each.pairs) > 2 for each in analysed)
    for expected, given in zip(plain, analysed, strict=True):
        assert given.tracked.new_shot == expected.new_shot
        assert list(given.pairs) == list(given.tracked.motions) == list(expected.motions)
        for distance, (backward, forward) in given.pairs.items():
            t = expected.frame.index
            motion = given.tracked.motions[distance]
            assert torch.equal(motion.flow, expected.motions[distance].flow)
            if distance == 1:
                assert torch.equal(backward, motion.flow)
                assert torch.equal(forward, dis.estimate(world.frame(t - 1), world.frame(t)))
            else:
                assert backward.shape == forward.shape == (2, 121, 150)
