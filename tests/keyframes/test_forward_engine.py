"""Keyframes propagated forwards alone: no frame waits for a later one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.keyframes.test_keyframe_engine import SIZE, Counting, Item, assert_same, items
from vst.frame import Frame
from vst.keyframes import ForwardEngine, KeyframeEngine, Schedule, create_engine
from vst.synthetic import create_scene


@pytest.fixture(scope="module")
def pan() -> list[Item]:
    return items(create_scene("pan", **SIZE, frames=14))


def engine(interval: int, stylizer: Counting | None = None) -> ForwardEngine:
    return ForwardEngine(stylizer or Counting(conditioned=True), Schedule(interval, look_ahead=False))


def stylize(engine: ForwardEngine, frames: list[Item]) -> dict[int, Tensor]:
    return {item.frame.index: (output + 1) / 2 for item, output in engine.stylize(frames)}


@pytest.mark.parametrize(
    ("schedule", "kind"),
    [(Schedule(1), ForwardEngine), (Schedule(4), KeyframeEngine), (Schedule(4, False), ForwardEngine)],
)
def test_frames_wait_only_where_there_are_frames_between_keyframes(schedule, kind):
    assert type(create_engine(Counting(), schedule)) is kind


@pytest.mark.parametrize("interval", [1, 4])
def test_each_frame_comes_out_at_once(pan, interval):
    read = []

    def reading():
        for item in pan:
            read.append(item.frame.index)
            yield item

    for item, _ in engine(interval).stylize(reading()):
        assert read[-1] == item.frame.index
    assert len(read) == len(pan)


def test_an_interval_of_1_stylizes_every_frame_from_the_one_before(pan):
    stylizer = Counting(conditioned=True)
    outputs = stylize(engine(1, stylizer), pan)
    assert stylizer.indices == list(range(14))
    assert len(stylizer.trusted) == 13
    assert all(0.85 < share < 1 for share in stylizer.trusted)
    for item in pan:
        assert_same(outputs[item.frame.index], item.frame)


def test_what_enters_is_stylized_with_the_rest_as_its_past(pan):
    stylizer = Counting(conditioned=True)
    outputs = stylize(engine(4, stylizer), pan)
    assert {0, 4, 8, 12} <= set(stylizer.indices)
    for item in pan:
        error = (outputs[item.frame.index] - item.frame.image.clamp(0, 1)).abs()
        assert error.mean() < 0.02


def test_nothing_is_propagated_across_a_cut():
    frames = items(create_scene("pan", **SIZE, frames=12), cuts=(0, 6))
    stylizer = Counting(conditioned=True)
    stylize(engine(4, stylizer), frames)
    assert {0, 4, 6, 10} <= set(stylizer.indices)


@pytest.mark.parametrize("interval", [1, 4])
@pytest.mark.parametrize("after", range(1, 13))
def test_a_run_that_continues_from_a_snapshot_gives_the_same_frames(pan, after, interval):
    whole = stylize(engine(interval), pan)
    first = engine(interval)
    for number, _ in enumerate(first.stylize(pan), 1):
        if number == after:
            break
    again = engine(interval)
    again.restore(first.snapshot())
    assert again.needed_from == first.needed_from == after - 1
    rest = stylize(again, pan[max(after - 3, 0) :])
    assert list(rest) == list(range(after, 14))
    assert all(torch.equal(rest[index], whole[index]) for index in rest)


def test_what_no_keyframe_shows_is_stylized_anew():
    frames = items(create_scene("pan", **SIZE, frames=4))
    image = frames[2].frame.image.clone()
    image[:, 30:60, 40:80] = torch.tensor([1.0, 0.0, 0.0])[:, None, None]
    frames[2] = Item(Frame(2, frames[2].frame.time, frames[2].frame.duration, image), frames[2].pair)
    outputs = stylize(engine(4), frames)
    assert (outputs[2] - image.clamp(0, 1))[:, 35:55, 45:75].abs().mean() < 0.02


def test_a_snapshot_at_the_beginning_is_empty():
    assert engine(4).snapshot() == ()
    assert engine(4).needed_from is None
