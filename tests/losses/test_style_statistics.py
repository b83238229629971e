"""The statistics that stand for a style."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from vst.losses import laplacian_loss
from vst.losses.perceptual import PerceptualLoss, style_targets
from vst.losses.style_statistics import (
    QUANTILES,
    SHIFT,
    STYLE_LOSSES,
    GaussianMMD,
    Histogram,
    LinearMMD,
    PolynomialMMD,
    ShiftedGram,
)
from vst.modes.recipe import Recipe


class Raw(torch.nn.Module):
    """A loss network whose features are the picture."""

    layers = ("relu1_2", "relu3_3")

    def forward(self, images, wanted):
        return dict.fromkeys(wanted, images)


def features(batch=1, channels=5, height=20, width=24, seed=0):
    return torch.rand(batch, channels, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", STYLE_LOSSES)
def test_equal_features_have_no_distance_and_others_have(name):
    statistic, x = STYLE_LOSSES[name], features(2)
    own = torch.cat([statistic.describe([each[None]]) for each in x])
    assert statistic.distance(x, own).abs().max() < 1e-5
    other = statistic.distance(x, own.flip(0))
    assert other.shape == (2,)
    assert (other > 1e-5).all()


@pytest.mark.parametrize("name", STYLE_LOSSES)
def test_the_style_loss_of_a_black_picture_is_1_and_a_style_may_have_several_paintings(name):
    paintings = [features(1, 3, seed=seed)[0] for seed in (1, 2)]
    targets = [style_targets(Raw(), each, ("relu1_2",), name) for each in (paintings, paintings[:1])]
    loss = PerceptualLoss(Raw(), targets, style_loss=name)
    x = torch.cat([torch.zeros(1, 3, 20, 24), paintings[0][None]])
    for style in (0, 1):
        found = loss(x, loss.content_target(x), torch.tensor([style, style])).style
        assert float(found[0]) == pytest.approx(1, rel=1e-3)
        assert float(found[1]) < 0.5


@pytest.mark.parametrize("name", STYLE_LOSSES)
def test_gradients_are_those_of_differences(name):
    statistic = STYLE_LOSSES[name]
    wanted = statistic.describe([features(seed=1)])
    x = features(seed=2)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(statistic.distance(x, wanted).sum(), x)
    assert gradient.isfinite().all()
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        step = 2e-3 * direction
        difference = (statistic.distance(x + step, wanted) - statistic.distance(x - step, wanted)) / 4e-3
    assert float((gradient * direction).sum()) == pytest.approx(float(difference), rel=0.05, abs=2e-4)


@pytest.mark.parametrize("name", STYLE_LOSSES)
def test_features_in_bf16_and_channels_last_are_measured_in_fp32(name):
    statistic, x = STYLE_LOSSES[name], features(2)
    wanted = statistic.describe([features(seed=1)])
    half = statistic.distance(x.bfloat16().contiguous(memory_format=torch.channels_last), wanted)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, statistic.distance(x, wanted), atol=0, rtol=0.1)


def test_shifted_products_by_hand():
    x = torch.zeros(1, 1, 1, 2 * SHIFT)
    x[..., :SHIFT], x[..., SHIFT:] = 2.0, 3.0
    found = ShiftedGram().describe([x])[0, :, 0, 0]
    # Across, 2 · 3 everywhere; down, a single row cannot be shifted: its own squares, (4 + 9) / 2.
    assert found.tolist() == [6.5, 6.0]


def test_shifted_products_see_an_arrangement_that_a_gram_matrix_does_not():
    rows = torch.arange(16)
    broad = (rows // 8 % 2).float().expand(16, 16)[None, None]
    narrow = (rows % 2).float().expand(16, 16)[None, None]
    assert STYLE_LOSSES["gram"].distance(broad, STYLE_LOSSES["gram"].describe([narrow])) == 0
    assert ShiftedGram().distance(broad, ShiftedGram().describe([narrow])) > 0.001


def test_a_histogram_is_moved_value_by_value():
    x = torch.linspace(0, 1, QUANTILES).view(1, 1, 8, -1)
    wanted = Histogram().describe([x + 0.5])
    gram, quantiles = wanted.split((1, QUANTILES), 2)
    torch.testing.assert_close(quantiles[0, 0], torch.linspace(0.5, 1.5, QUANTILES))
    shuffled = x.flatten()[torch.randperm(QUANTILES)].view(1, 1, -1, 8)
    moved = 0.25 * QUANTILES / quantiles.square().sum()
    by_gram = ((x.square().mean() - gram[0, 0, 0]) / gram[0, 0, 0]).square()
    assert float(Histogram().distance(shuffled, wanted)) == pytest.approx(
        float(0.5 * by_gram + 0.5 * moved), rel=1e-4
    )


def test_the_linear_kernel_compares_means():
    x = torch.tensor([[[[1.0, 3.0]], [[0.0, 0.0]]]])
    wanted = torch.tensor([[5.0, 4.0]])
    assert LinearMMD().distance(x, wanted).tolist() == [(9 + 16) / 2]


@pytest.mark.parametrize(("statistic", "degree"), [(PolynomialMMD(), 2), (LinearMMD(), 1)])
def test_kernels_give_the_discrepancy_of_all_pairs(statistic, degree):
    x, y = features(1, 3, 4, 5, seed=4), features(1, 3, 6, 3, seed=5)
    a, b = (each[0].flatten(1).T for each in (x, y))
    constant = b.square().sum(1).mean() if degree == 2 else 0.0

    def kernel(one, other):
        return ((one @ other.T + constant) ** degree).mean()

    wanted = kernel(a, a) + kernel(b, b) - 2 * kernel(a, b)
    found = statistic.distance(x, statistic.describe([y])) * (3 if degree == 1 else 1)
    assert float(found) == pytest.approx(float(wanted), rel=1e-3)


def test_the_gaussian_kernel_is_at_most_2_and_rises_with_the_distance():
    near, far = (features(seed=6) + shift for shift in (0.5, 50.0))
    wanted = GaussianMMD().describe([features(seed=7)])
    found = [float(GaussianMMD().distance(each, wanted)) for each in (near, far)]
    assert 0.1 < found[0] < found[1] <= 2


def test_the_recipe_offers_the_statistics_that_there_are():
    (field,) = (each for each in dataclasses.fields(Recipe) if each.name == "style_loss")
    assert field.metadata["option"].choices == tuple(STYLE_LOSSES)


def test_the_laplacian_loss_compares_edges_and_not_light():
    frame = features(2, 3, 32, 40, seed=8)
    assert laplacian_loss(frame + 0.3, frame).max() < 1e-5
    assert laplacian_loss(torch.zeros_like(frame), frame).tolist() == pytest.approx([1, 1])
    assert laplacian_loss(frame.flip(-1), frame).min() > 0.5


def test_the_laplacian_by_hand():
    frame, output = torch.zeros(1, 3, 12, 12), torch.zeros(1, 3, 12, 12)
    frame[..., 4:8, 4:8] = 1.0  # one pixel of the average, whose Laplacian is 4
    output[..., 4:8, 4:8] = 0.75
    assert float(laplacian_loss(output, frame)) == pytest.approx(0.25**2)
