"""Keyframes: which frames are stylized, and what comes out between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from tests.stylizers import Copy
from vst.frame import Frame
from vst.keyframe_interval import AUTO, MAX_INTERVAL
from vst.keyframes import Cue, KeyframeEngine, Schedule
from vst.motion import FlowPair
from vst.synthetic import Scene, create_scene

SIZE = {"width": 128, "height": 96}
INNER = (slice(None), slice(4, -4), slice(4, -4))
"""A part that is away from the border, where flow points outside."""


@dataclass(frozen=True)
class Item:
    """A frame with exact flow to the one before."""

    frame: Frame
    pair: FlowPair | None
    cue: Cue = Cue.NONE

    def without_pair(self) -> Item:
        return replace(self, pair=None)


def items(scene: Scene, *, cuts: tuple[int, ...] = (0,), rate: int = 24) -> list[Item]:
    found = []
    for t, frame in enumerate(scene.frames()):
        again = Frame(t, Fraction(t, rate), Fraction(1, rate), frame.image)
        pair = None if t in cuts else FlowPair(scene.flow(t, t - 1), scene.flow(t - 1, t))
        found.append(Item(again, pair))
    return found


class Counting(Copy):
    """Notes which frames it stylizes, and with how much of the past."""

    def __init__(self, conditioned: bool = False) -> None:
        super().__init__(conditioned)
        self.indices: list[int] = []
        self.trusted: list[float] = []

    def stylize(self, frame, past):
        self.indices.append(frame.index)
        if past is not None:
            self.trusted.append(float(past.trust.mean()))
        return super().stylize(frame, past)


def run(stylizer: Copy, frames: list[Item], interval: int = 4) -> list[Tensor]:
    engine = KeyframeEngine(stylizer, Schedule(interval))
    found = list(engine.stylize(frames))
    assert [item.frame.index for item, _ in found] == [item.frame.index for item in frames]
    return [(output + 1) / 2 for _, output in found]


def assert_same(output: Tensor, frame: Frame) -> None:
    """But for the rounding of −1..1 to 0..1."""
    torch.testing.assert_close(output, frame.image.clamp(0, 1), atol=1e-6, rtol=0)


@pytest.fixture(scope="module")
def pan() -> list[Item]:
    return items(create_scene("pan", **SIZE, frames=14))


def test_the_first_and_the_last_frame_of_a_shot_are_keyframes(pan):
    stylizer = Counting()
    run(stylizer, pan)
    assert stylizer.indices == [0, 4, 8, 12, 13]


def test_a_keyframe_comes_out_as_it_was_stylized(pan):
    outputs = run(Copy(), pan)
    for index in (0, 4, 8, 12, 13):
        assert_same(outputs[index], pan[index].frame)


def test_keyframes_are_propagated_to_the_frames_between(pan):
    outputs = run(Copy(), pan)
    for item, output in zip(pan, outputs, strict=True):
        error = (output - item.frame.image.clamp(0, 1))[INNER].abs()
        assert error.mean() < 0.015
        assert (error > 0.2).float().mean() < 0.005


def test_what_enters_the_picture_comes_from_the_later_keyframe(pan):
    outputs = run(Copy(), pan)
    # The camera pans to the right: the last columns of frame 3 are not in keyframe 0.
    error = (outputs[3] - pan[3].frame.image.clamp(0, 1))[:, :, -4:].abs()
    assert error.mean() < 0.05


def test_a_conditioned_stylizer_gets_the_keyframe_before_propagated_to_the_next(pan):
    stylizer = Counting(conditioned=True)
    run(stylizer, pan)
    assert len(stylizer.trusted) == 4  # all keyframes but the first of the shot
    assert all(0.7 < share < 1 for share in stylizer.trusted)


@pytest.mark.parametrize(("rate", "distance"), [(1, 1), (12, 4), (24, 8), (30, 10), (48, 16), (120, 16)])
def test_keyframes_are_a_third_of_a_second_apart(rate, distance):
    assert Schedule(AUTO).longest(Fraction(1, rate)) == distance


def test_a_frame_without_duration_has_the_longest_interval():
    assert Schedule(AUTO).longest(Fraction(0)) == MAX_INTERVAL


def test_a_keyframe_is_due_sooner_where_little_can_be_trusted():
    assert not Schedule(8).is_due(2, Fraction(1, 24), 0.9)
    assert Schedule(8).is_due(2, Fraction(1, 24), 0.4)


def test_a_shot_of_one_frame_is_that_frame():
    frames = items(create_scene("pan", **SIZE, frames=1))
    assert_same(run(Copy(), frames)[0], frames[0].frame)


def test_no_frames_give_none():
    assert run(Copy(), []) == []


def test_a_cut_at_every_frame_stylizes_every_frame():
    frames = items(create_scene("pan", **SIZE, frames=5), cuts=(0, 1, 2, 3, 4))
    stylizer = Counting(conditioned=True)
    run(stylizer, frames)
    assert stylizer.indices == [0, 1, 2, 3, 4]
    assert stylizer.pasts == []


def test_nothing_is_propagated_across_a_cut():
    frames = items(create_scene("pan", **SIZE, frames=12), cuts=(0, 6))
    stylizer = Counting(conditioned=True)
    run(stylizer, frames)
    assert stylizer.indices == [0, 4, 5, 6, 10, 11]
    assert len(stylizer.pasts) == 4


def test_an_interval_that_is_longer_than_the_shot_has_two_keyframes(pan):
    stylizer = Counting()
    run(stylizer, pan[:6], interval=16)
    assert stylizer.indices == [0, 5]


def test_flow_that_points_nowhere_stylizes_every_frame():
    frames = items(create_scene("pan", **SIZE, frames=5))
    away = torch.full((2, SIZE["height"], SIZE["width"]), 1e5)
    frames = [Item(each.frame, each.pair and FlowPair(away, away)) for each in frames]
    stylizer = Counting()
    outputs = run(stylizer, frames)
    assert stylizer.indices == [0, 1, 2, 3, 4]
    assert_same(outputs[3], frames[3].frame)


def test_what_no_keyframe_shows_is_stylized_anew():
    scene = create_scene("pan", **SIZE, frames=5)
    frames = items(scene)
    # Something that is seen in one frame only, between the keyframes 0 and 4.
    image = frames[2].frame.image.clone()
    image[:, 30:60, 40:80] = torch.tensor([1.0, 0.0, 0.0])[:, None, None]
    frames[2] = Item(Frame(2, frames[2].frame.time, frames[2].frame.duration, image), frames[2].pair)
    stylizer = Counting()
    outputs = run(stylizer, frames)
    assert stylizer.indices == [0, 4, 2]
    assert (outputs[2] - image.clamp(0, 1))[:, 35:55, 45:75].abs().mean() < 0.02


@pytest.mark.parametrize("after", range(1, 13))
def test_a_run_that_continues_from_a_snapshot_gives_the_same_frames(pan, after):
    whole = run(Copy(conditioned=True), pan)
    engine = KeyframeEngine(Copy(conditioned=True), Schedule(4))
    for number, _ in enumerate(engine.stylize(pan), 1):
        if number == after:
            break
    state, needed = engine.snapshot(), engine.needed_from
    again = KeyframeEngine(Copy(conditioned=True), Schedule(4))
    again.restore(state)
    assert again.needed_from == needed
    assert needed is not None
    outputs = {
        item.frame.index: (output + 1) / 2 for item, output in again.stylize(pan[max(needed - 2, 0) :])
    }
    assert list(outputs) == list(range(after, 14))
    for index in range(after, 14):
        assert torch.equal(outputs[index], whole[index])


def test_a_snapshot_at_the_beginning_is_empty():
    engine = KeyframeEngine(Copy(), Schedule(4))
    assert engine.snapshot() == ()
    assert engine.needed_from is None


def test_frames_between_keyframes_stay_in_range():
    frames = items(create_scene("pan", **SIZE, frames=9))
    hard = [
        Item(Frame(t, each.frame.time, each.frame.duration, (each.frame.image > 0.5).float()), each.pair)
        for t, each in enumerate(frames)
    ]
    for interval in (4, 8):
        for output in run(Copy(), hard, interval):
            assert output.min() >= 0
            assert output.max() <= 1
