"""Pictures that repeat: no side is a border, for features, their gradient, resizing and sampling."""

from __future__ import annotations

import pytest
import torch

from vst.losses.style_statistics import STYLE_LOSSES
from vst.modes.optimisation.features import FeatureSource
from vst.modes.optimisation.objective import Objective
from vst.modes.optimisation.periodic import (
    PeriodicFeatures,
    periodic_sides,
    resized_periodic,
    sampled_periodic,
)
from vst.modes.optimisation.terms import StyleTerm, VariationTerm, style_targets
from vst.styles.loss_network import load_loss_network

LAYERS, DEEP = ("relu1_1", "relu2_1", "relu3_1"), ("relu2_2", "relu3_3", "relu4_1")


@pytest.fixture(scope="module")
def plain(loss_folder) -> FeatureSource:
    return FeatureSource(load_loss_network(loss_folder), torch.device("cpu"), torch.float64)


@pytest.fixture(scope="module")
def source(plain) -> PeriodicFeatures:
    return PeriodicFeatures(plain)


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_features_are_those_in_the_middle_of_many_repetitions(plain, source):
    image = picture(32, 16)
    found, many = source.features(image, DEEP), plain.features(image.repeat(1, 5, 7), DEEP)
    for layer in DEEP:
        height, width = found[layer].shape[-2:]
        middle = many[layer][..., 2 * height : 3 * height, 3 * width : 4 * width]
        torch.testing.assert_close(found[layer], middle)


def test_features_in_tiles_are_those_of_the_whole_picture(source):
    image = picture(32, 48)
    whole, parts = source.features(image, DEEP), source.features(image, DEEP, tile=32)
    for layer in DEEP:
        torch.testing.assert_close(parts[layer], whole[layer])


def test_the_gradient_in_tiles_is_that_of_the_whole_picture(plain, source):
    image, even = picture(32, 48), dict.fromkeys(LAYERS, 1 / 3)
    targets = style_targets(plain, [picture(24, 16, 1)], [1.0], LAYERS, "gram")
    term, smooth = StyleTerm(STYLE_LOSSES["gram"], 30.0, even, targets), VariationTerm(2.0, periodic=True)
    whole, parts = (Objective(source, [term], [smooth], tile)(image) for tile in (None, 32))
    assert parts.total == pytest.approx(whole.total, rel=1e-5)
    assert float((parts.gradient - whole.gradient).norm()) < 1e-4 * float(whole.gradient.norm())
    moved = Objective(source, [term], [smooth])(image.roll((16, 32), (1, 2)))
    assert moved.total == pytest.approx(whole.total, rel=1e-5)
    rolled = whole.gradient.roll((16, 32), (1, 2))
    assert float((moved.gradient - rolled).norm()) < 1e-4 * float(rolled.norm())


def test_the_network_of_the_other_source_is_left_as_it_was(plain, source):
    image = picture(32, 16)
    before = plain.features(image, LAYERS)
    assert not torch.equal(source.features(image, LAYERS)["relu3_1"], before["relu3_1"])
    after = plain.features(image, LAYERS)
    assert all(torch.equal(after[layer], before[layer]) for layer in LAYERS)


@pytest.mark.parametrize("size", [(24, 32), (96, 64), (36, 40)])
def test_a_picture_is_resized_without_a_seam(size):
    image = picture(48, 32)
    moved = resized_periodic(image.roll((24, 16), (1, 2)), *size)
    wanted = resized_periodic(image, *size).roll((size[0] // 2, size[1] // 2), (1, 2))
    torch.testing.assert_close(moved, wanted)


def test_places_beyond_the_sides_are_those_at_the_other_ones():
    image = picture(6, 8)
    y, x = torch.meshgrid(torch.arange(6.0), torch.arange(8.0), indexing="ij")
    torch.testing.assert_close(sampled_periodic(image, x - 16, y + 6), image, atol=1e-5, rtol=0)
    moved = sampled_periodic(image, x + 3, y - 2)
    torch.testing.assert_close(moved, image.roll((2, -3), (1, 2)), atol=1e-5, rtol=0)
    between = sampled_periodic(image, x + 7.5, y)
    torch.testing.assert_close(between, sampled_periodic(image, x - 0.5, y), atol=1e-5, rtol=0)
    assert bool((between[..., 0] != image[..., 0]).any())


def test_sides_become_multiples_of_16():
    assert periodic_sides(500, 7) == (496, 16)
