"""ruder: weights of several earlier frames, the order of passes, and going on after a stop."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from tests.modes.gatys.conftest import painting
from vst.frame import Frame, Motion
from vst.modes import find_mode
from vst.modes.create import create_optimiser
from vst.modes.optimisation.config import OptimisationConfig
from vst.modes.optimisation.terms import TemporalTerm
from vst.modes.ruder.long_term import long_term_weights, together
from vst.modes.stylizer import WholeShotStylizer
from vst.styles.painting_style import resolve_paintings

__all__ = ["painting"]


class MemoryShot:
    """A shot that stands still, with everything in memory."""

    def __init__(self, count: int) -> None:
        self._count, self.log = count, []
        self.pictures: dict[tuple[int, int], torch.Tensor] = {}

    def __len__(self) -> int:
        return self._count

    def frame(self, number: int) -> Frame:
        image = torch.linspace(0, 1, 3 * 34 * 36).view(3, 34, 36).roll(number, -1)
        return Frame(number, Fraction(number), Fraction(1), image)

    def motion(self, number: int, other: int) -> Motion:
        self.log.append((number, other))
        mask = torch.ones(1, 34, 36)
        mask[:, :, -3:] = 0
        return Motion(torch.zeros(2, 34, 36), mask, number - other)

    def has(self, step: int, number: int) -> bool:
        return (step, number) in self.pictures

    def picture(self, step: int, number: int) -> torch.Tensor:
        return self.pictures[step, number]

    def keep(self, step: int, number: int, picture: torch.Tensor) -> None:
        self.log.append(f"{step}:{number}")
        self.pictures[step, number] = picture

    def drop(self, step: int) -> None:
        self.pictures = {key: value for key, value in self.pictures.items() if key[0] != step}


@pytest.fixture
def create(loss_folder, painting):
    def make(**options: object):
        found = resolve_paintings(str(painting), "ruder", loss_network=str(loss_folder))
        return create_optimiser(found, OptimisationConfig(**{"steps": 3, "levels": 1, **options}))

    return make


def test_a_further_frame_counts_where_no_nearer_one_does():
    # c of one, two and four frames back, for four pixels; by equation 10.
    masks = [
        torch.tensor(each) for each in ([1.0, 0.0, 0.0, 0.5], [1.0, 1.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0])
    ]
    weights = long_term_weights(masks)
    assert [each.tolist() for each in weights] == [[1, 0, 0, 0.5], [0, 1, 0, 0.5], [0, 0, 1, 0]]


def test_several_frames_together_have_the_loss_of_each_but_for_a_constant():
    generator = torch.Generator().manual_seed(0)
    pictures = [torch.rand(3, 4, 5, generator=generator) for _ in range(3)]
    weights = [torch.rand(1, 4, 5, generator=generator) for _ in range(3)]
    weights[0][:, 0] = weights[1][:, 0] = weights[2][:, 0] = 0
    past, trust = together(pictures, weights)

    def gap(image: torch.Tensor) -> torch.Tensor:
        each = sum((c * (image - w).square()).sum() for c, w in zip(weights, pictures, strict=True))
        return each - (trust * (image - past).square()).sum()

    torch.testing.assert_close(gap(pictures[0]), gap(torch.zeros(3, 4, 5)))
    assert not past[:, 0].any()


def test_the_temporal_loss_weighs_pixels_by_hand():
    image = torch.tensor([0.5, 0.5]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    past = torch.tensor([0.1, 0.3]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    term = TemporalTerm(1.0, past, torch.tensor([1.0, 0.25]).view(1, 1, 1, 2))
    # 1/6 · 3 · (1 · 0.16 + 0.25 · 0.04)
    assert float(term.loss(image)) == pytest.approx(0.085)


def test_passes_go_forwards_and_backwards_from_what_each_has_done(create):
    shot, stylizer = MemoryShot(6), create(passes=3)
    assert find_mode("ruder").whole_shot
    assert isinstance(stylizer, WholeShotStylizer)
    assert stylizer.stylize_shot(shot) == 2
    done = [each for each in shot.log if isinstance(each, str)]
    assert done == [f"{step}:{n}" for step in range(3) for n in (range(6), range(5, -1, -1))[step % 2]]
    # J = 1, 2, 4: frame 5 of the first pass, and frame 0 of the second.
    first, second = shot.log.index("0:5"), shot.log.index("1:0")
    assert shot.log[first - 3 : first] == [(5, 4), (5, 3), (5, 1)]
    assert shot.log[second - 3 : second] == [(0, 1), (0, 2), (0, 4)]
    assert sorted(shot.pictures) == [(2, n) for n in range(6)]


@pytest.mark.parametrize("stop_at", [0, 2, 3, 5])
def test_a_stopped_shot_goes_on_to_the_same_pictures(create, stop_at):
    whole, part = MemoryShot(3), MemoryShot(3)
    create().stylize_shot(whole)
    stopping, begun = create(), []
    stopping.watch = lambda step: begun.append(step.part) or len(set(begun)) <= stop_at
    stopping.stylize_shot(part)
    assert stopping.interrupted
    assert len([each for each in part.log if isinstance(each, str)]) == stop_at
    again = create()
    again.stylize_shot(part)
    assert not again.interrupted
    assert len([each for each in part.log if isinstance(each, str)]) == 6
    assert all(torch.equal(part.picture(1, n), whole.picture(1, n)) for n in range(3))


def test_frames_are_held_to_the_one_before_where_it_is_trusted(create):
    def change(weight: float) -> torch.Tensor:
        shot = MemoryShot(2)
        create(passes=1, steps=8, temporal_weight=weight).stylize_shot(shot)
        return (shot.picture(0, 1) - shot.picture(0, 0)).abs().mean(dim=(0, 1))

    held, free = change(1e5), change(0.0)
    assert float(held[:-3].mean()) < 0.01
    assert float(held[-3:].mean()) > 3 * float(held[:-3].mean())
    assert float(free[:-3].mean()) > float(held[:-3].mean())


def test_progress_names_pass_and_frame(create):
    stylizer, seen = create(), []
    stylizer.watch = lambda step: seen.append(step.part) or True
    stylizer.stylize_shot(MemoryShot(2))
    assert list(dict.fromkeys(seen)) == [
        "pass 1/2, frame 1/2", "pass 1/2, frame 2/2", "pass 2/2, frame 1/2", "pass 2/2, frame 2/2",
    ]  # fmt: skip
