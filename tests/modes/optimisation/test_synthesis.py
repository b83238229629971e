"""Textures and reconstructions from noise, and textures that move."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch

from vst.modes.optimisation.config import OptimisationConfig
from vst.modes.optimisation.features import FeatureSource
from vst.modes.optimisation.moving import AdvectedTexture, Motion, moving_texture
from vst.modes.optimisation.paintings import Paintings
from vst.modes.optimisation.stylizer import FrameStep
from vst.modes.optimisation.synthesis import (
    Canvas,
    ContentReconstruction,
    Synthesis,
    TextureSynthesis,
)
from vst.styles.loss_network import load_loss_network


@pytest.fixture(scope="module")
def source(loss_folder) -> FeatureSource:
    return FeatureSource(load_loss_network(loss_folder), torch.device("cpu"), torch.float32)


@pytest.fixture
def texture(source, painting) -> Callable[..., TextureSynthesis]:
    def make(*, periodic: bool = False, **options: object) -> TextureSynthesis:
        config = OptimisationConfig(style_layers=(("relu1_1", 1.0), ("relu2_1", 1.0)), levels=2, **options)
        return TextureSynthesis(source, config, Paintings([painting], [1.0]), 60, periodic)

    return make


def losses(synthesis: Synthesis, image: torch.Tensor) -> dict[str, float]:
    height, width = image.shape[-2:]
    return dict(synthesis.objective(Canvas(width, height, 1.0, None))(image).losses)


@pytest.mark.parametrize("periodic", [False, True])
def test_a_texture_has_the_statistics_of_its_painting(texture, periodic):
    synthesis = texture(periodic=periodic)
    noise, found = (synthesis.picture(96, 64, steps) for steps in (2, 24))
    assert found.shape == (3, 64, 96)
    assert 0 <= float(found.min()) < float(found.max()) <= 1
    assert losses(synthesis, found)["style"] < 0.1 * losses(synthesis, noise)["style"]


def test_a_seed_gives_one_texture_and_another_seed_another(texture):
    first, again, other = (texture().picture(64, 64, 4, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_tiles_change_a_texture_by_rounding_only(texture):
    whole, parts = (
        texture(tile=tile, periodic=True, optimizer="adam").picture(64, 64, 4) for tile in (0, 32)
    )
    assert float((whole - parts).abs().mean()) < 1e-3


def test_sizes_of_a_texture_that_repeats_are_multiples_of_16(texture):
    assert texture(periodic=True).sizes(208, 144) == [(96, 64), (208, 144)]
    assert texture().sizes(208, 144) == [(104, 72), (208, 144)]


def test_steps_are_counted_over_all_sizes_and_can_be_stopped(texture):
    synthesis, seen = texture(), list[FrameStep]()
    synthesis.watch = lambda step: seen.append(step) or True
    synthesis.picture(128, 128, 7)
    assert [step.number for step in seen] == [1, 2, 3, 4, 5, 6, 7]
    assert seen[-1].done == pytest.approx(1)
    assert [tuple(step.image.shape) for step in (seen[0], seen[-1])] == [(3, 64, 64), (3, 128, 128)]
    assert not synthesis.interrupted
    synthesis.watch = lambda step: step.number < 3
    assert synthesis.picture(128, 128, 7).shape == (3, 128, 128)
    assert synthesis.interrupted


def test_content_alone_is_reconstructed(source):
    image = torch.linspace(0, 1, 64).repeat(3, 64, 1)
    config = OptimisationConfig(content_layers=(("relu2_1", 1.0),), variation_weight=0.1, levels=1)
    synthesis = ContentReconstruction(source, config, image)
    first, found = (synthesis.picture(64, 64, steps) for steps in (1, 40))
    assert losses(synthesis, found)["content"] < 0.1 * losses(synthesis, first)["content"]
    assert float((found - image).abs().mean()) < 0.5 * float((first - image).abs().mean())


def still(height: int = 64, width: int = 96) -> torch.Tensor:
    down, across = torch.arange(height)[:, None] / height, torch.arange(width) / width
    waves = [torch.sin(6.2832 * (3 * across + channel * down)) for channel in (1, 2, 3)]
    return 0.5 + 0.4 * torch.stack(waves)


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).square().mean())


def test_the_flow_has_the_speed_that_was_asked_for_and_no_sources():
    advected = AdvectedTexture(still(), Motion(48, 1.5, True, 1))
    u, v = advected.velocity
    assert float((u.square() + v.square()).mean().sqrt()) == pytest.approx(1.5, rel=1e-5)
    divergence = (u.roll(-1, 1) - u.roll(1, 1) + v.roll(-1, 0) - v.roll(1, 0)) / 2
    assert float(divergence.abs().max()) < 1e-4


def test_a_picture_is_advected_there_and_back():
    advected = AdvectedTexture(still(), Motion(48, 1.0, True, 1))
    there = advected.advect(still(), 6)
    assert distance(there, still()) > 1e-2
    assert distance(advected.advect(there, -6), still()) < 1e-4
    # As far as the flow says: one frame is one velocity.
    across, down = torch.arange(96.0), torch.arange(64.0)[:, None]
    u, v = advected.velocity
    moved = 0.5 + 0.4 * torch.sin(6.2832 * (3 * (across - u) / 96 + (down - v) / 64))
    assert distance(advected.advect(still(), 1)[0], moved) < 1e-4


@pytest.mark.parametrize("frames", [24, 200])
def test_what_is_advected_repeats_after_the_period_and_not_before(frames):
    motion = Motion(frames, 1.0, True, 1)
    advected = AdvectedTexture(still(), motion)
    first = advected.at(3)
    assert torch.equal(advected.at(3 + motion.period), first)
    parts = [advected.at(3 + motion.period * number // 4) for number in (1, 2, 3)]
    assert min(distance(each, first) for each in parts) > 1e-2
    assert Motion(frames, 1.0, False, 1).period == 2 * frames


def test_no_frame_of_what_is_advected_is_special():
    advected = AdvectedTexture(still(), Motion(16, 1.0, True, 1))
    frames = [advected.at(number) for number in range(16)]
    contrast = torch.stack([each.std() for each in frames])
    assert float(contrast.max()) < 1.1 * float(contrast.min())
    assert float(contrast.mean()) == pytest.approx(float(still().std()), rel=0.1)
    changes = [distance(advected.advect(one, 1), other) for one, other in pairwise(frames)]
    assert max(changes) < 1.5 * min(changes)


@pytest.mark.parametrize("loop", [True, False])
def test_the_first_frame_of_a_loop_follows_the_last_one(texture, loop):
    synthesis = texture(periodic=True)
    begin, motion = synthesis.picture(64, 64, 10), Motion(8, 0.5, loop, 1)
    frames = list(moving_texture(synthesis, begin, motion))
    assert len(frames) == 8
    advected = AdvectedTexture(begin, motion)
    changes = [
        distance(advected.advect(one, 1), other)
        for one, other in zip(frames, [*frames[1:], frames[0]], strict=True)
    ]
    within = sorted(changes[:-1])
    assert (changes[-1] < 1.5 * within[-1]) == loop
    values = [losses(synthesis, each)["style"] for each in frames]
    assert max(values) < 3 * min(values)


def test_a_moving_texture_stops_when_told(texture):
    synthesis, count = texture(periodic=True), 0

    def watch(step: object) -> bool:
        nonlocal count
        count += 1
        return count < 12

    frames = list(moving_texture(synthesis, still(64, 64), Motion(12, 0.5, True, 2), watch))
    assert len(frames) == 1  # after four that are thrown away
