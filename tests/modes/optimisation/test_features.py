"""Features and their gradient: tiles give what the whole picture gives."""

from __future__ import annotations

import pytest
import torch

from vst.losses.style_statistics import STYLE_LOSSES
from vst.modes.optimisation.features import FeatureSource, reach_of, stride_of, tiles
from vst.modes.optimisation.objective import Objective
from vst.modes.optimisation.terms import ContentTerm, StyleTerm, VariationTerm, style_targets
from vst.styles.loss_network import load_loss_network

LAYERS = ("relu1_1", "relu2_1", "relu3_1")
DEEP = ("relu3_3", "relu4_1", "relu5_1")


@pytest.fixture(scope="module")
def source(loss_folder) -> FeatureSource:
    return FeatureSource(load_loss_network(loss_folder), torch.device("cpu"), torch.float64)


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def objective(source: FeatureSource, style_loss: str, tile: int | None) -> Objective:
    """Style of one picture, content of another, and total variation."""
    painting, frame = picture(40, 48, 1), picture(70, 52, 2)
    even = {layer: 1 / len(LAYERS) for layer in LAYERS}
    style = style_targets(source, [painting], [1.0], LAYERS, style_loss)
    content = ContentTerm(1.0, {"relu3_1": 1.0}, source.features(frame, ("relu3_1",)))
    statistic = StyleTerm(STYLE_LOSSES[style_loss], 30.0, even, style)
    return Objective(source, [content, statistic], [VariationTerm(2.0)], tile)


def test_features_in_tiles_are_those_of_the_whole_picture(source):
    image, layers = picture(70, 52), (*LAYERS, *DEEP)
    whole, parts = source.features(image, layers), source.features(image, layers, tile=32)
    for layer in layers:
        torch.testing.assert_close(parts[layer], whole[layer])


@pytest.mark.parametrize("style_loss", ["gram", "shifted", "histogram", "mmd-gaussian"])
def test_the_gradient_in_tiles_is_that_of_the_whole_picture(source, style_loss):
    image = picture(70, 52)
    whole, parts = (objective(source, style_loss, tile)(image) for tile in (None, 32))
    assert parts.total == pytest.approx(whole.total, rel=1e-5)
    assert float((parts.gradient - whole.gradient).norm()) < 1e-4 * float(whole.gradient.norm())


def test_the_gradient_is_the_slope_of_the_total(source):
    evaluate, image, step = objective(source, "gram", None), picture(70, 52), 3e-4
    way = torch.randn(image.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    slope = (evaluate(image + step * way).total - evaluate(image - step * way).total) / (2 * step)
    assert float((evaluate(image).gradient * way).sum()) == pytest.approx(slope, rel=2e-2)


def test_tiles_cover_a_picture_once_and_see_as_far_as_the_network():
    count = torch.zeros(101, 90)
    for each in tiles(101, 90, 40, ["relu3_3"]):
        count[each.top : each.bottom, each.left : each.right] += 1
        assert each.seen_top in (0, each.top - 32)
        assert each.top % 16 == 0
        assert each.seen_left % 16 == 0
    assert count.unique().tolist() == [1]


def test_the_reach_is_measured_by_what_changes_a_feature(source):
    # Reflection at the border, and pooling, cannot widen it: look at a place in the middle.
    for layer in ("relu2_1", "relu3_3", "relu4_1"):
        leaf = picture(112, 112).requires_grad_(True)
        maps = source.network(leaf[None], (layer,))[layer]
        place = 56 // stride_of(layer)
        maps[0, :, place, place].sum().backward()
        rows = leaf.grad.abs().sum((0, 2)).nonzero().flatten()
        first, last = 56 - int(rows[0]), int(rows[-1]) - (56 + stride_of(layer) - 1)
        assert 0 < max(first, last) <= reach_of(layer)


def test_the_border_of_a_picture_is_no_edge(source):
    """Features of one colour are the same everywhere; zeros beyond the border would make them differ."""
    for layer, maps in source.features(torch.full((3, 70, 52), 0.9, dtype=torch.float64), DEEP).items():
        middle = maps[..., :1, :1].expand_as(maps)
        torch.testing.assert_close(maps, middle, msg=f"{layer} differs at the border")


def test_small_paintings_have_the_deepest_features_too(source):
    assert style_targets(source, [picture(16, 40)], [1.0], DEEP, "gram")["relu5_1"].isfinite().all()
