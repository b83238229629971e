"""The metrics against values computed by hand."""

from __future__ import annotations

import math

import pytest
import torch

from vst.evaluate import (
    gradient_energy,
    mean_squared_error,
    structural_similarity,
    temporal_error,
    warping_error,
)


def noise(seed: int, height: int = 24, width: int = 32) -> torch.Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def test_the_temporal_error_is_the_masked_sum_over_all_pixels() -> None:
    previous, current = torch.zeros(3, 2, 4), torch.full((3, 2, 4), 0.5)
    mask = torch.zeros(1, 2, 4)
    mask[0, 0, :2] = 1
    flow = torch.zeros(2, 2, 4)
    # Two pixels of eight, 0.25 each.
    assert temporal_error(previous, current, flow, mask) == pytest.approx(0.25 * 2 / 8)
    assert warping_error(previous, current, flow, mask) == pytest.approx(0.25)


def test_the_previous_frame_is_warped_by_the_backward_flow() -> None:
    previous = noise(0)
    current = previous.roll(3, dims=2)  # everything goes right by 3
    flow = torch.zeros(2, 24, 32)
    flow[0] = -3
    mask = torch.ones(1, 24, 32)
    mask[..., :3] = 0
    assert temporal_error(previous, current, flow, mask) < 1e-10
    assert temporal_error(previous, current, -flow, mask) > 0.05


def test_without_trusted_pixels_the_error_is_0_and_per_pixel_not_a_number() -> None:
    a, b = noise(0), noise(1)
    assert temporal_error(a, b, torch.zeros(2, 24, 32), torch.zeros(1, 24, 32)) == 0
    assert math.isnan(warping_error(a, b, torch.zeros(2, 24, 32), torch.zeros(1, 24, 32)))


def test_gradient_energy_of_a_ramp_is_its_slope_squared() -> None:
    ramp = (torch.arange(10.0) / 20).expand(3, 6, 10)
    assert gradient_energy(ramp) == pytest.approx(0.05**2, rel=1e-5)
    assert gradient_energy(ramp.transpose(1, 2)) == pytest.approx(0.05**2, rel=1e-5)
    assert gradient_energy(torch.full((3, 5, 5), 0.7)) == 0


def test_gradient_energy_is_that_of_luma() -> None:
    energies = []
    for channel in range(3):
        image = torch.zeros(3, 4, 4)
        image[channel, :, 2:] = 1
        energies.append(gradient_energy(image))
    # One step among three differences along x.
    assert energies == pytest.approx([0.2126**2 / 3, 0.7152**2 / 3, 0.0722**2 / 3], rel=1e-5)


def test_blur_lowers_gradient_energy() -> None:
    image = noise(0)
    blurred = torch.nn.functional.avg_pool2d(image[None], 3, 1, 1)[0]
    assert gradient_energy(blurred) < 0.3 * gradient_energy(image)


def test_mean_squared_error_is_the_mean_over_channels_and_pixels() -> None:
    a = torch.zeros(3, 2, 2)
    b = a.clone()
    b[0, 0, 0], b[2, 1, 1] = 0.6, 0.8
    assert mean_squared_error(a, b) == pytest.approx((0.36 + 0.64) / 12)


def test_the_similarity_of_an_image_with_itself_is_1() -> None:
    assert structural_similarity(noise(0), noise(0)) == pytest.approx(1, abs=1e-12)
    assert structural_similarity(noise(0), noise(1)) < 0.2


def test_the_similarity_of_flat_images_depends_on_their_means_only() -> None:
    a, b = torch.full((3, 16, 16), 0.4), torch.full((3, 16, 16), 0.6)
    # No variance: what is left is (2 μa μb + C1) / (μa² + μb² + C1).
    assert structural_similarity(a, b) == pytest.approx((0.48 + 1e-4) / (0.52 + 1e-4), rel=1e-5)


def test_the_similarity_of_one_window_follows_the_definition() -> None:
    a, b = noise(2, 11, 11), noise(3, 11, 11)
    weights = torch.tensor((0.2126, 0.7152, 0.0722), dtype=torch.float64)
    x, y = (torch.einsum("c,chw->hw", weights, image.double()) for image in (a, b))
    w = torch.tensor(
        [[math.exp(-(i * i + j * j) / 4.5) for i in range(-5, 6)] for j in range(-5, 6)]
    ).double()
    w /= w.sum()
    mx, my = (w * x).sum(), (w * y).sum()
    vx, vy, cov = (w * (x - mx) ** 2).sum(), (w * (y - my) ** 2).sum(), (w * (x - mx) * (y - my)).sum()
    expected = (2 * mx * my + 1e-4) * (2 * cov + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
    assert structural_similarity(a, b) == pytest.approx(float(expected), abs=1e-6)


def test_images_of_two_sizes_are_refused() -> None:
    a, b = noise(0), noise(0, 24, 30)
    with pytest.raises(ValueError, match="expected 3×H×W of one size"):
        mean_squared_error(a, b)
    with pytest.raises(ValueError, match="expected 3×H×W of one size"):
        temporal_error(a, b, torch.zeros(2, 24, 30), torch.ones(1, 24, 30))
    with pytest.raises(ValueError, match="11×11"):
        structural_similarity(noise(0, 10, 40), noise(0, 10, 40))
