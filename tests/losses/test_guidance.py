"""Guided Gram matrices, by hand."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from vst.losses.gram import gram_matrix
from vst.losses.guidance import guidance_channel, guided, guided_by
from vst.losses.perceptual import style_targets
from vst.losses.style_statistics import STYLE_LOSSES


class Raw(torch.nn.Module):
    """A loss network whose only layer is the picture."""

    layers = ("relu1_2",)

    def forward(self, image, layers):
        return {"relu1_2": image}


def test_the_squares_of_a_guidance_channel_sum_to_one_and_follow_the_mask():
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :4] = 1
    channel = guidance_channel(mask, 4, 4)
    assert channel.shape == (1, 1, 4, 4)
    assert float(channel.square().sum()) == pytest.approx(1)
    assert channel[0, 0].tolist() == [[pytest.approx(8**-0.5)] * 2 + [0, 0]] * 4


def test_a_guided_gram_matrix_is_the_one_that_hands_compute():
    # Three places with features (1, 0), (0, 2) and (3, 1); the mask says all, nothing, half.
    features = torch.tensor([[1.0, 0, 3], [0, 2, 1]]).view(1, 2, 1, 3)
    mask = torch.tensor([1.0, 0, 0.5]).view(1, 1, 3)
    # T² is in proportion to 1, 0 and 1/4: 0.8, 0 and 0.2.
    expected = [[0.8 * 1 + 0.2 * 9, 0.2 * 3], [0.2 * 3, 0.2 * 1]]
    found = gram_matrix(guided_by(features, mask))[0]
    torch.testing.assert_close(found, torch.tensor(expected))


@pytest.mark.parametrize("name", ["gram", "shifted"])
def test_an_even_mask_changes_no_statistic(name):
    features = torch.rand(1, 5, 9, 7, generator=torch.Generator().manual_seed(0))
    statistic, even = STYLE_LOSSES[name], torch.full((1, 9, 7), 0.3)
    plain = statistic.describe([features])
    torch.testing.assert_close(statistic.describe([guided_by(features, even)]), plain)


def test_the_gradient_is_that_of_the_definition():
    generator = torch.Generator().manual_seed(1)
    features = torch.rand(1, 3, 4, 4, generator=generator).requires_grad_(True)
    channel = guidance_channel(torch.rand(1, 1, 4, 4, generator=generator), 4, 4)
    maps = (features * channel).flatten(2)
    (maps @ maps.transpose(1, 2)).square().sum().backward()
    wanted, features.grad = features.grad, None
    gram_matrix(guided(features, channel)).square().sum().backward()
    torch.testing.assert_close(features.grad, wanted)


def test_of_a_painting_that_is_half_red_only_the_half_in_the_mask_counts():
    painting = torch.zeros(3, 8, 8)
    painting[0, :, :4] = 1  # red
    painting[2, :, 4:] = 1  # blue
    mask = torch.zeros(1, 8, 8)
    mask[..., :4] = 1
    (masked,) = style_targets(Raw(), [painting], ("relu1_2",), masks=[mask])["relu1_2"]
    torch.testing.assert_close(masked, torch.diag(torch.tensor([1.0, 0, 0])))
    (whole,) = style_targets(Raw(), [painting], ("relu1_2",))["relu1_2"]
    torch.testing.assert_close(whole, torch.diag(torch.tensor([0.5, 0, 0.5])))


def test_a_mask_is_averaged_over_the_places_of_deep_layers():
    mask = torch.rand(1, 16, 16, generator=torch.Generator().manual_seed(2))
    features = torch.ones(1, 1, 2, 2)
    shares = F.avg_pool2d(mask[None], 8)[0, 0]
    channel = guidance_channel(mask[None], 2, 2)[0, 0]
    torch.testing.assert_close(channel, shares / shares.square().sum().sqrt())
    assert float(gram_matrix(guided_by(features, mask))) == pytest.approx(1)
