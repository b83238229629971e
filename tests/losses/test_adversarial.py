import math

import pytest
import torch
import torch.nn.functional as F

from vst.losses.adversarial import (
    cycle_loss,
    discriminator_loss,
    flow_cycle_loss,
    generator_loss,
    residual_flow,
)


def test_least_squares_by_hand():
    assert generator_loss(torch.tensor([0.5, 1.0, -1.0])).item() == pytest.approx((0.25 + 0 + 4) / 3)
    real, generated = torch.tensor([1.0, 0.5]), torch.tensor([0.0, 1.0])
    assert discriminator_loss(real, generated).item() == pytest.approx((0.125 + 0.5) / 2)


def test_a_draw_is_a_quarter():
    half = torch.full((2, 1, 3, 3), 0.5)
    assert discriminator_loss(half, half).item() == pytest.approx(0.25)
    assert generator_loss(half).item() == pytest.approx(0.25)


def test_the_cycle_is_a_mean_of_absolute_differences():
    assert cycle_loss(torch.tensor([[1.0, -1.0]]), torch.tensor([[0.0, 1.0]])).item() == 1.5
    assert cycle_loss(torch.ones(1, 3, 2, 2).half(), torch.zeros(1, 3, 2, 2)).dtype == torch.float32


def waves(shift_x, shift_y, size=48):
    y, x = torch.meshgrid(
        torch.arange(size) + 1.0 * shift_y, torch.arange(size) + 1.0 * shift_x, indexing="ij"
    )
    picture = torch.sin(x * 2 * math.pi / 12) + torch.cos(y * 2 * math.pi / 15)
    return (0.4 * picture)[None, None].expand(1, 3, size, size)


def test_the_residual_flow_of_a_shifted_picture_is_its_shift():
    # warped(p + residual(p)) is picture(p), and picture(p) is the waves at p + shift.
    flow = residual_flow(waves(0.3, -0.2), waves(0.0, 0.0))
    inside = flow[0, :, 6:-6, 6:-6]
    assert inside[0].mean().item() == pytest.approx(0.3, abs=0.03)
    assert inside[1].mean().item() == pytest.approx(-0.2, abs=0.03)


def test_pictures_that_the_flow_explains_have_no_flow_cycle_loss():
    mask = torch.ones(1, 1, 48, 48)
    assert flow_cycle_loss(waves(0, 0), waves(0, 0), mask).item() == 0
    moved = flow_cycle_loss(waves(0.3, 0), waves(0, 0), mask).item()
    assert moved == pytest.approx(0.3, abs=0.06)
    assert flow_cycle_loss(waves(0.3, 0), waves(0, 0), 0 * mask).item() == 0


def test_where_there_is_nothing_to_see_there_is_no_flow():
    flat = torch.zeros(1, 3, 16, 16)
    assert torch.equal(residual_flow(flat + 0.5, flat), torch.zeros(1, 2, 16, 16))


def test_the_flow_cycle_loss_has_the_gradient_of_its_values():
    torch.manual_seed(0)
    given = F.avg_pool2d(torch.randn(1, 1, 10, 10), 3, 1).requires_grad_()
    other, mask = F.avg_pool2d(torch.randn(1, 1, 10, 10), 3, 1), torch.ones(1, 1, 8, 8)
    flow_cycle_loss(given, other, mask).backward()
    step = 1e-2 * given.grad / given.grad.norm()
    ahead, behind = (flow_cycle_loss(given.detach() + s * step, other, mask) for s in (1, -1))
    assert (ahead - behind).item() / 2 == pytest.approx((given.grad * step).sum().item(), rel=0.05)
