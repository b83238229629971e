"""Keyframes of regions in several styles: each style is propagated as if there was no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from tests.keyframes.test_keyframe_engine import Item, items
from vst.frame import Frame, Past
from vst.keyframes import ForwardEngine, KeyframeEngine, Schedule, engine_memory, stylizers_of
from vst.keyframes.composed_flow import ComposedFlow
from vst.motion import FlowPair
from vst.synthetic import create_scene

FRAMES = 14


class Continuing:
    """Another stylization of every frame, which continues the past where there is one.

    Attributes:
        indices: The frames that it stylized.
    """

    conditioned = True

    def __init__(self, seed: int) -> None:
        self.indices: list[int] = []
        self._seed = seed

    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        self.indices.append(frame.index)
        generator = torch.Generator().manual_seed(100 * self._seed + frame.index)
        own = torch.rand(frame.image.shape, generator=generator) * 2 - 1
        return own if past is None else past.image + (1 - past.trust) * own


class Striped:
    """Columns of the frame's number are in the first style, the rest in the second.

    Attributes:
        parts: The styles.
    """

    conditioned = True

    def __init__(self, parts: Sequence[Continuing], is_first: Callable[[Frame], Tensor]) -> None:
        self.parts, self._is_first = parts, is_first

    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        raise AssertionError("the engine stylizes each style by itself")

    def seen(self, frame: Frame) -> list[bool]:
        first = self._is_first(frame)
        return [bool(first.any()), not bool(first.all())]

    def mix(self, frame: Frame, stylized: Sequence[Tensor | None]) -> Tensor:
        one, other = (torch.zeros_like(frame.image) if each is None else each for each in stylized)
        return torch.where(self._is_first(frame), one, other)


def wipe(frame: Frame) -> Tensor:
    """Moves by five columns a frame, from where there is none."""
    return torch.arange(frame.image.shape[-1]) < 5 * frame.index


@pytest.fixture(scope="module")
def crossing() -> list[Item]:
    """Something goes behind something else, and comes out again: memory and holes are used."""
    return items(create_scene("crossing", width=128, height=96, frames=FRAMES))


ENGINES = [(KeyframeEngine, 4), (ForwardEngine, 4), (ForwardEngine, 1)]


@pytest.mark.parametrize(("kind", "interval"), ENGINES)
def test_every_pixel_is_that_of_its_style_alone(kind, interval, crossing):
    def run(stylizer: object) -> Iterator[tuple[Item, Tensor]]:
        return kind(stylizer, Schedule(interval)).stylize(crossing)

    alone = [dict((item.frame.index, out) for item, out in run(Continuing(seed))) for seed in (1, 2)]
    for item, mixed in run(Striped([Continuing(1), Continuing(2)], wipe)):
        n, first = item.frame.index, wipe(item.frame)
        assert torch.equal(mixed, torch.where(first, alone[0][n], alone[1][n])), n
        assert not torch.equal(alone[0][n], alone[1][n])


@pytest.mark.parametrize(("kind", "interval"), ENGINES)
def test_a_state_has_the_keyframes_and_memories_of_all_styles(kind, interval, crossing):
    def engine() -> KeyframeEngine | ForwardEngine:
        return kind(Striped([Continuing(1), Continuing(2)], wipe), Schedule(interval))

    whole = [out for _, out in engine().stylize(crossing)]
    first, second = engine(), engine()
    running = first.stylize(iter(crossing))
    for _ in range(10):
        next(running)
    second.restore(first.snapshot())
    assert len(second.snapshot()) == len(first.snapshot())
    again = [(item.frame.index, out) for item, out in second.stylize(crossing[second.needed_from :])]
    assert again[0][0] <= 10
    for n, out in again:
        assert torch.equal(out, whole[n])


def test_motion_is_followed_once_for_all_styles(crossing, monkeypatch):
    steps: list[int] = []
    extend = ComposedFlow.extend

    def counted(self, luma, step):
        steps[-1] += 1
        return extend(self, luma, step)

    monkeypatch.setattr(ComposedFlow, "extend", counted)
    for stylizer in (Continuing(1), Striped([Continuing(1), Continuing(2)], wipe)):
        steps.append(0)
        list(KeyframeEngine(stylizer, Schedule(4)).stylize(crossing))
    assert steps[0] == steps[1] > 0


def test_a_style_that_no_frame_shows_still_has_its_keyframes_and_nothing_else():
    still, torch_flow = torch.rand(3, 24, 32), torch.zeros(2, 24, 32)
    frames = [
        Item(
            Frame(n, Fraction(n, 25), Fraction(1, 25), still),
            FlowPair(torch_flow, torch_flow) if n else None,
        )
        for n in range(9)
    ]
    one, other = Continuing(1), Continuing(2)
    everywhere = Striped([one, other], lambda frame: torch.ones(32, dtype=torch.bool))
    given = [out for _, out in KeyframeEngine(everywhere, Schedule(8)).stylize(frames)]
    alone = [out for _, out in KeyframeEngine(Continuing(1), Schedule(8)).stylize(frames)]
    assert one.indices == other.indices == [0, 8]
    assert all(map(torch.equal, given, alone))


def test_memory_grows_with_the_styles():
    schedule = Schedule(8)
    one, two, three = (engine_memory(schedule, 100, 50, 8, styles) for styles in (1, 2, 3))
    assert 0 < two - one == three - two < one


def test_a_stylizer_of_whole_frames_is_its_only_style():
    stylizer = Continuing(1)
    assert stylizers_of(stylizer) == (stylizer,)
    assert stylizers_of(Striped([stylizer, stylizer], wipe)) == (stylizer, stylizer)
