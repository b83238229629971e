import math

import pytest
import torch
from torch import nn

from vst.errors import VstError
from vst.losses import (
    PerceptualLoss,
    content_loss,
    detail_loss,
    gram_matrix,
    luminance_temporal_loss,
    style_loss,
    temporal_loss,
    total_variation,
)
from vst.losses.perceptual import available_layers, style_targets


class Raw(nn.Module):
    """A loss network whose features are the picture itself."""

    layers = ("relu1_2", "relu3_3")

    def forward(self, images, wanted):
        return {layer: images for layer in wanted}


def test_gram_matrix_by_hand():
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # N = 2, M = 2
    expected = torch.tensor([[[5.0, 11.0], [11.0, 25.0]]]) / 2
    torch.testing.assert_close(gram_matrix(features), expected)


def test_gram_matrix_does_not_grow_with_the_picture():
    tile = torch.randn(1, 4, 6, 6)
    torch.testing.assert_close(gram_matrix(tile), gram_matrix(tile.repeat(1, 1, 2, 3)))


def test_style_loss_by_hand():
    gram, target = torch.tensor([[[2.0, 0.0], [0.0, 2.0]]]), torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    assert float(style_loss(gram, target)) == pytest.approx((1 + 4) / (4 * 2**2))


def test_content_loss_by_hand():
    assert float(content_loss(torch.tensor([[[[1.0, 3.0]]]]), torch.tensor([[[[0.0, 1.0]]]]))) == 2.5


def test_equal_things_cost_nothing():
    x = torch.rand(2, 3, 8, 8)
    assert content_loss(x, x).tolist() == [0, 0]
    assert style_loss(gram_matrix(x), gram_matrix(x)).tolist() == [0, 0]
    assert float(temporal_loss(x, x, torch.ones(2, 1, 8, 8))) == 0
    assert float(total_variation(torch.full((1, 3, 5, 5), 0.3))) == 0


def test_temporal_loss_counts_only_what_can_be_trusted():
    output, warped = torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    mask = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    assert float(temporal_loss(output, warped, mask)) == 0.25


def test_paint_has_to_change_with_the_light():
    before, after = torch.zeros(1, 3, 1, 2), torch.zeros(1, 3, 1, 2)
    # At the first pixel the light changes by 0.2126 · 1 + 0.7152 · 0.5 + 0.0722 · −1 = 0.498.
    after[0, :, 0, 0] = torch.tensor([1.0, 0.5, -1.0])
    output, warped = torch.zeros(1, 3, 1, 2), torch.zeros(1, 3, 1, 2)
    output[0, :, 0, 0] = torch.tensor([0.498, 0.598, 0.298])
    output[0, :, 0, 1] = 9.0  # not to be trusted
    mask = torch.tensor([[[[1.0, 0.0]]]])
    # Off by 0, 0.1 and −0.2; a sum over channels, a mean over the two pixels.
    found = luminance_temporal_loss(output, warped, after, before, mask)
    assert found.item() == pytest.approx((0.1**2 + 0.2**2) / 2, rel=1e-5)


def test_in_steady_light_the_luminance_constraint_is_the_temporal_loss_of_three_channels():
    torch.manual_seed(0)
    output, warped, frame = (torch.rand(2, 3, 4, 5) for _ in range(3))
    mask = torch.bernoulli(torch.full((2, 1, 4, 5), 0.5))
    found = luminance_temporal_loss(output, warped, frame, frame, mask)
    torch.testing.assert_close(found, 3 * temporal_loss(output, warped, mask))


def test_total_variation_by_hand():
    assert float(total_variation(torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]]))) == 1.0


def test_losses_have_right_gradients():
    torch.manual_seed(0)
    a = torch.rand(1, 2, 3, 3, dtype=torch.double, requires_grad=True)
    b = torch.rand(1, 2, 3, 3, dtype=torch.double)

    def in_double(x):
        maps = x.flatten(2)
        return ((maps @ maps.transpose(1, 2) / 9 - 1) ** 2).mean(0).sum() / 16

    assert torch.autograd.gradcheck(in_double, (a,))
    gram = torch.autograd.grad(style_loss(gram_matrix(a.float()), torch.ones(1, 2, 2)).sum(), a)[0]
    exact = torch.autograd.grad(in_double(a), a)[0]
    torch.testing.assert_close(gram, exact, atol=1e-6, rtol=1e-4)
    found = torch.autograd.grad(content_loss(a, b).sum(), a)[0]
    torch.testing.assert_close(found, 2 * (a - b).detach() / a.numel(), atol=1e-6, rtol=1e-5)


def test_perceptual_losses_are_relative_to_the_targets_energy():
    style, frame = torch.rand(3, 8, 8), torch.rand(1, 3, 8, 8)
    loss = PerceptualLoss(Raw(), [style_targets(Raw(), [style], ("relu1_2",))])
    index = torch.zeros(1, dtype=torch.long)
    nothing = loss(torch.zeros_like(frame), loss.content_target(frame), index)
    assert float(nothing.content) == pytest.approx(1, rel=1e-4)
    assert float(nothing.style) == pytest.approx(1, rel=1e-4)
    same = loss(style[None], loss.content_target(style[None]), index)
    assert float(same.content) == pytest.approx(0, abs=1e-6)
    assert float(same.style) == pytest.approx(0, abs=1e-6)


def test_each_picture_is_held_against_its_own_style():
    styles = [torch.rand(3, 8, 8), torch.rand(3, 8, 8) * 0.2]
    loss = PerceptualLoss(Raw(), [style_targets(Raw(), [style], ("relu1_2",)) for style in styles])
    both = torch.stack(styles)
    right = loss(both, loss.content_target(both), torch.tensor([0, 1]))
    wrong = loss(both, loss.content_target(both), torch.tensor([1, 0]))
    assert right.style.tolist() == pytest.approx([0, 0], abs=1e-6)
    assert wrong.style.min() > 0.1


def test_several_images_make_one_hybrid_style():
    a, b = torch.rand(3, 4, 4), torch.rand(3, 9, 7)
    hybrid = style_targets(Raw(), [a, b], ("relu1_2",))["relu1_2"]
    torch.testing.assert_close(hybrid, (gram_matrix(a[None]) + gram_matrix(b[None])) / 2)


def test_a_missing_layer_is_replaced_by_the_nearest_of_its_stage():
    assert available_layers(("relu1_2", "relu4_3"), ("relu1_2", "relu4_1", "relu5_1")) == (
        "relu1_2",
        "relu4_1",
    )
    with pytest.raises(VstError, match="no layer like relu4_3"):
        available_layers(("relu4_3",), ("relu1_2",))


def test_detail_is_compared_by_windows_and_by_ratio():
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(1, 3, 64, 96, generator=generator)
    assert detail_loss(picture, picture) == 0
    # Light and large shapes are no detail.
    assert detail_loss(picture + torch.linspace(0, 1, 96), picture) < 1e-3
    # Energy four times as large everywhere, with a floor of .15 below both.
    assert float(detail_loss(2 * picture, picture)) == pytest.approx(math.log(4.15 / 1.15) ** 2, rel=0.02)
    # Too little detail counts more.
    assert float(detail_loss(picture, 2 * picture)) == pytest.approx(
        1.7 * math.log(1.6 / 4.6) ** 2, rel=0.02
    )
    one_side = torch.cat((picture[..., :48], picture[..., :48].mean() + 0 * picture[..., 48:]), -1)
    assert detail_loss(one_side, picture) > 1
