"""Lanczos interpolation by OpenCV and by torch."""

from __future__ import annotations

import math

import pytest
import torch

from vst.motion import warp
from vst.motion.lanczos import _by_opencv, _by_torch, sample


def positions(batch, height, width, rows, columns):
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(batch, height, width, generator=generator) * (columns - 1)
    y = torch.rand(batch, height, width, generator=generator) * (rows - 1)
    return x, y


@pytest.mark.parametrize("channels", [1, 3, 4, 7])
@pytest.mark.parametrize(("rows", "columns"), [(13, 17), (3, 5), (1, 9)])
def test_opencv_and_torch_give_the_same_numbers(channels, rows, columns):
    image = torch.rand(2, channels, rows, columns)
    x, y = positions(2, 11, 12, rows, columns)
    torch.testing.assert_close(_by_opencv(image, x, y), _by_torch(image, x, y), atol=2e-5, rtol=0)


def test_values_between_pixels_follow_the_windowed_sinc():
    image = torch.zeros(1, 1, 1, 16)
    image[..., 8] = 1
    x, y = torch.tensor([[[6.25]]]), torch.zeros(1, 1, 1)
    away = 1.75
    taps = [
        math.sin(math.pi * t) / (math.pi * t) * math.sin(math.pi * t / 4) / (math.pi * t / 4)
        for t in (k - 0.25 for k in range(-3, 5))
    ]
    expected = (
        math.sin(math.pi * away) / (math.pi * away) * math.sin(math.pi * away / 4) / (math.pi * away / 4)
    ) / sum(taps)
    assert sample(image, x, y).item() == pytest.approx(expected, abs=1e-6)


def test_repeated_shifts_keep_more_detail_than_cubic_convolution():
    torch.manual_seed(0)
    image = torch.nn.functional.avg_pool2d(torch.rand(1, 3, 66, 66), 3, 1)
    flow = torch.tensor([1.7, 0.4]).view(1, 2, 1, 1).expand(1, 2, 64, 64)

    def change(mode):
        kept = image
        for _ in range(10):
            kept = warp(warp(kept, flow, mode), -flow, mode)
        return (kept - image)[..., 16:-16, 16:-16].square().mean()

    assert change("lanczos") < 0.5 * change("bicubic")


def test_image_and_positions_have_gradients():
    image = torch.rand(1, 2, 9, 9, requires_grad=True)
    flow = torch.full((1, 2, 9, 9), 0.3, requires_grad=True)
    out = warp(image, flow, "lanczos")
    out.square().sum().backward()
    smooth = image.detach().requires_grad_()
    (warp(smooth, flow.detach(), "bicubic") * 2 * out.detach()).sum().backward()
    torch.testing.assert_close(image.grad, smooth.grad)
    assert flow.grad is not None
    assert flow.grad.abs().sum() > 0
