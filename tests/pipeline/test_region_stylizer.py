"""Stylizers of regions without a video: mixing, state, memory, backends."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from torch import Tensor

from tests import fake_backend
from tests.stylizers import Copy
from vst.frame import Past
from vst.keyframes import StylizesRegions
from vst.modes import backend_choice, backend_of
from vst.modes.backend_choice import BackendChoice, Timing
from vst.modes.tiling import MemoryEstimate
from vst.pipeline import render
from vst.pipeline.regions.region_stylizer import RegionStylizer, ScaledStylizer
from vst.pipeline.working_frame import WorkingFrame

HEIGHT, WIDTH = 24, 32


class Value(Copy):
    """One value everywhere, and a state that counts frames."""

    def __init__(self, value: float, every_frame: bool = False) -> None:
        super().__init__()
        self.every_frame, self.count, self._value = every_frame, 0, value

    def stylize(self, frame, past):
        self.count += 1
        super().stylize(frame, past)
        return torch.full_like(frame.image, self._value)

    def reset(self):
        self.count = 0

    def snapshot(self):
        return (torch.tensor(self.count),) if self.every_frame else ()

    def restore(self, state):
        self.count = int(state[0]) if state else 0

    def memory(self, width, height):
        return MemoryEstimate(round(1000 * (2 + self._value)) * width, 10, 20, None)


def frame(*shares: Tensor) -> WorkingFrame:
    image = torch.rand(3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
    given = torch.stack([share.expand(HEIGHT, WIDTH) for share in shares]).half()
    return WorkingFrame(0, Fraction(0), Fraction(1), image, source=None, shares=given)


def test_each_pixel_is_exactly_that_of_the_style_that_has_all_of_it():
    left = (torch.arange(WIDTH) < 9).float()
    right = (torch.arange(WIDTH) >= 20).float()
    values = 0.1, -0.7, 1 / 3
    mixed = RegionStylizer([Value(each) for each in values]).stylize(
        frame(left, 1 - left - right, right), None
    )
    for columns, value in zip((slice(0, 9), slice(9, 20), slice(20, 32)), values, strict=True):
        assert torch.equal(mixed[..., columns], torch.full_like(mixed[..., columns], value))


def test_soft_shares_are_mixed_in_proportion():
    shares = [torch.tensor(each) for each in (0.5, 0.25, 0.25)]
    mixed = RegionStylizer([Value(each) for each in (-1.0, 0.0, 1.0)]).stylize(frame(*shares), None)
    assert mixed.mean().item() == pytest.approx(-0.25, abs=1e-3)


@pytest.mark.parametrize("every_frame", [False, True])
def test_a_style_that_is_not_seen_is_left_out_unless_it_has_to_see_each_frame(every_frame):
    parts = [Value(0.0, every_frame), Value(1.0, every_frame)]
    mixed = RegionStylizer(parts).stylize(frame(torch.zeros(()), torch.ones(())), None)
    assert torch.equal(mixed, torch.ones(3, HEIGHT, WIDTH))
    assert [each.count for each in parts] == [int(every_frame), 1]


def test_the_state_is_that_of_all_parts():
    parts = [Value(0.0, True), Value(1.0, True)]
    stylizer = RegionStylizer(parts)
    parts[0].count, parts[1].count = 3, 5
    state = stylizer.snapshot()
    stylizer.reset()
    assert [each.count for each in parts] == [0, 0]
    stylizer.restore(state)
    assert [each.count for each in parts] == [3, 5]
    assert RegionStylizer([Value(0.0), Value(1.0)]).snapshot() == ()
    stylizer.restore(())
    assert [each.count for each in parts] == [0, 0]


def test_memory_is_that_of_the_largest_part_and_what_waits_to_be_mixed():
    one, other = Value(0.0), Value(1.0)
    found = RegionStylizer([one, other]).memory(WIDTH, HEIGHT)
    assert found.peak == other.memory(WIDTH, HEIGHT).peak + 2 * 12 * WIDTH * HEIGHT
    assert isinstance(RegionStylizer([one, other]), StylizesRegions)
    assert not isinstance(one, StylizesRegions)


def test_strokes_of_another_size_are_stylized_at_another_size_with_their_past():
    stylizer = Copy(conditioned=True)
    scaled = ScaledStylizer(stylizer, 10)
    past = Past(torch.zeros(3, HEIGHT * 8, WIDTH * 8), torch.ones(1, HEIGHT * 8, WIDTH * 8))
    large = WorkingFrame(0, Fraction(0), Fraction(1), torch.rand(past.image.shape), source=None)
    assert scaled.stylize(large, past).shape == large.image.shape
    assert stylizer.seen == stylizer.pasts
    assert stylizer.seen[0][1] < HEIGHT * 8


@pytest.mark.parametrize("quicker", ["torch", "openvino"])
def test_all_styles_run_on_the_backend_that_the_first_one_chose(
    quicker, exact_clip, settings, tmp_path, monkeypatch
):
    fake_backend.install(monkeypatch)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    monkeypatch.setattr(backend_choice, "_read", lambda entry: None)  # as for networks of another width
    monkeypatch.setattr(backend_choice, "LEAST_FRAMES", 1)
    timings = [Timing(1, 2, 0), Timing(2, 1, 0)]
    found = iter(timings if quicker == "torch" else timings[::-1])
    monkeypatch.setattr(backend_choice, "measure", lambda *_: next(found))
    chosen: list[BackendChoice] = []
    seen = RegionStylizer.__init__

    def noted(self, parts):
        chosen.extend(map(backend_of, parts))
        seen(self, parts)

    monkeypatch.setattr(RegionStylizer, "__init__", noted)
    pictures = [(torch.rand(HEIGHT, WIDTH, 3) * 255).byte().numpy() for _ in range(3)]
    clip, mask = exact_clip("clip.mkv", pictures), exact_clip("mask.mkv", pictures)
    given = settings(mode="itn", backend="auto", regions=[f"{mask}=blue"])
    render(clip, given, tmp_path / "out.mkv")
    assert [each.name for each in chosen] == [quicker, quicker]
