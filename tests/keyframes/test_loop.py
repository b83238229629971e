"""A clip that is played in a loop: its last keyframe continues the first one."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from tests.keyframes.test_keyframe_engine import Counting, Item, items
from vst.frame import Frame
from vst.keyframes import KeyframeEngine, LoopStart, Schedule
from vst.motion import FlowPair
from vst.synthetic import create_scene

SIZE = {"width": 128, "height": 96}


class Continuing(Counting):
    """Stylizes a frame in a colour of its own, and keeps the past where it can be trusted."""

    def __init__(self) -> None:
        super().__init__(conditioned=True)

    def stylize(self, frame, past):
        self.indices.append(frame.index)
        own = torch.full_like(frame.image, frame.index / 50 - 1)
        if past is None:
            return own
        return past.image * 0.8 * past.trust + own * (1 - 0.8 * past.trust)


@pytest.fixture(scope="module")
def there_and_back() -> list[Item]:
    """A pan of 14 frames that goes back the way it came: the frame after the last is the first."""
    forwards = items(create_scene("pan", **SIZE, frames=8))
    found = list(forwards)
    for place, item in enumerate(forwards[-2:0:-1], len(forwards)):
        later = forwards[len(forwards) - 1 - (place - len(forwards))]
        assert later.pair is not None
        frame = Frame(place, Fraction(place, 24), Fraction(1, 24), item.frame.image)
        found.append(Item(frame, FlowPair(later.pair.forward, later.pair.backward)))
    return found


def run(frames: list[Item], loop: bool) -> tuple[Continuing, list[torch.Tensor]]:
    stylizer = Continuing()
    engine = KeyframeEngine(stylizer, Schedule(4))
    if loop:
        first = frames[0].frame
        engine.loop = LoopStart(first, [Continuing().stylize(first, None)], frames[-1].frame.index)
    return stylizer, [output for _, output in engine.stylize(frames)]


def test_the_last_frame_continues_the_first(there_and_back):
    _, plain = run(there_and_back, loop=False)
    _, closed = run(there_and_back, loop=True)
    inner = (slice(None), slice(12, -12), slice(12, -12))
    apart = [float((each[-1] - each[0])[inner].abs().mean()) for each in (plain, closed)]
    assert apart[1] < 0.5 * apart[0]
    assert all(torch.equal(*pair) for pair in zip(plain[:9], closed[:9], strict=True))


def test_the_last_interval_is_a_whole_one(there_and_back):
    stylizer, _ = run(there_and_back, loop=False)
    assert {8, 12, 13} <= set(stylizer.indices)
    stylizer, _ = run(there_and_back, loop=True)
    # The frame before the last whole interval is a keyframe, and none is due in it.
    assert {8, 9, 13} <= set(stylizer.indices)
    assert not {10, 11, 12} & set(stylizer.indices)


def test_a_clip_that_ends_elsewhere_is_left_as_it_is(there_and_back):
    frames = there_and_back[:9]
    stylizer = Continuing()
    engine = KeyframeEngine(stylizer, Schedule(4))
    unlike = Frame(0, Fraction(0), Fraction(1, 24), 1 - frames[0].frame.image)
    engine.loop = LoopStart(unlike, [torch.ones_like(unlike.image)], 8)
    found = [output for _, output in engine.stylize(frames)]
    _, plain = run(frames, loop=False)
    assert float((found[-1] - plain[-1]).abs().mean()) < 0.02
