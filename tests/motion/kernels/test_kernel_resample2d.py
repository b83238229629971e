"""resample2d follows the published rule at borders, on each device."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor

from vst.motion.kernels import resample2d


def reference(image: Tensor, flow: Tensor) -> Tensor:
    """The definition: four pixels, each clamped to the frame separately."""
    batch, _, height, width = image.shape
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    at_x = x.to(image.device) + flow[:, 0]
    at_y = y.to(image.device) + flow[:, 1]
    left, top = at_x.detach().floor(), at_y.detach().floor()
    alpha, beta = (at_x - left)[:, None], (at_y - top)[:, None]
    pictures = torch.arange(batch, device=image.device)[:, None, None]

    def pixel(row: Tensor, column: Tensor) -> Tensor:
        rows, columns = row.clamp(0, height - 1).long(), column.clamp(0, width - 1).long()
        return image[pictures, :, rows, columns].permute(0, 3, 1, 2)

    above = (1 - alpha) * pixel(top, left) + alpha * pixel(top, left + 1)
    below = (1 - alpha) * pixel(top + 1, left) + alpha * pixel(top + 1, left + 1)
    return (1 - beta) * above + beta * below


def scene(
    device: torch.device, batch: int, channels: int, height: int, width: int, reach: float = 3.0, **kind
) -> tuple[Tensor, Tensor]:
    """An image, and a flow that partly leaves the frame; no position is a whole pixel."""
    generator = torch.Generator().manual_seed(5)
    image = torch.rand(batch, channels, height, width, generator=generator, dtype=torch.float64)
    flow = (torch.rand(batch, 2, height, width, generator=generator, dtype=torch.float64) - 0.5) * 2 * reach
    # The steps of gradcheck must not cross a pixel, where the derivative is discontinuous.
    part = flow - flow.floor()
    flow = flow.floor() + part.clamp(0.1, 0.9)
    return (
        image.to(device=device, **kind).requires_grad_(),
        flow.to(device=device, **kind).requires_grad_(),
    )


@pytest.mark.parametrize("size", [(3, 7, 9), (1, 1, 1), (2, 1, 8), (11, 6, 1), (3, 5, 37)], ids=str)
def test_values_and_gradients_follow_the_definition(device, size):
    image, flow = scene(device, 2, *size, dtype=torch.float32)
    out = resample2d(image, flow)
    expected = reference(image, flow)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)
    assert out.is_contiguous()
    weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(6)).to(device)
    found = torch.autograd.grad(out, (image, flow), weights)
    for grad, wanted_grad in zip(found, torch.autograd.grad(expected, (image, flow), weights), strict=True):
        torch.testing.assert_close(grad, wanted_grad, atol=1e-5, rtol=1e-5)


def test_gradients_are_right_in_double_precision(device):
    image, flow = scene(device, 2, 3, 4, 5)
    assert torch.autograd.gradcheck(resample2d, (image, flow), nondet_tol=1e-12)


def test_flow_is_x_then_y(device):
    image = torch.arange(30.0, device=device).view(1, 1, 5, 6)
    flow = torch.tensor((2.0, -1.0), device=device).view(1, 2, 1, 1).expand(1, 2, 5, 6)
    assert torch.equal(resample2d(image, flow)[..., 1:, :4], image[..., :4, 2:])


@pytest.mark.parametrize("far", [1.0, 5.5, 1e6, 1e30, float("inf")])
def test_outside_of_the_frame_the_border_is_repeated_and_flow_has_no_gradient(device, far):
    image = torch.rand(1, 2, 4, 5, device=device)
    flow = torch.zeros(1, 2, 4, 5, device=device)
    flow[:, 0] = torch.where(torch.arange(5, device=device) < 2, -far - 1, far)
    flow.requires_grad_()
    out = resample2d(image, flow)
    assert torch.equal(out[..., :2], image[..., :1].expand(1, 2, 4, 2))
    assert torch.equal(out[..., 4:], image[..., 4:])
    out.sum().backward()
    assert flow.grad is not None
    assert flow.grad[:, 0, :, [0, 1, 4]].eq(0).all()


def test_the_gradient_at_whole_pixels_uses_the_right_and_lower_neighbours_as_published(device):
    image = torch.tensor((1.0, 2.0, 4.0), device=device).view(1, 1, 1, 3)
    flow = torch.zeros(1, 2, 1, 3, device=device, requires_grad=True)
    resample2d(image, flow).sum().backward()
    assert flow.grad is not None
    assert flow.grad[0, 0, 0].tolist() == [1, 2, 0]
    assert flow.grad[0, 1, 0].tolist() == [0, 0, 0]


def test_nan_flow_gives_nan_at_its_own_pixel_only(device):
    image = torch.rand(1, 2, 3, 4, device=device, requires_grad=True)
    flow = torch.zeros(1, 2, 3, 4, device=device)
    flow[0, 0, 1, 2] = float("nan")
    flow.requires_grad_()
    out = resample2d(image, flow)
    spoiled = out.isnan()
    assert spoiled[0, :, 1, 2].all()
    assert spoiled.sum() == 2
    grads = torch.autograd.grad(out.nansum(), (image, flow))
    assert [grad.shape for grad in grads] == [image.shape, flow.shape]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("flow_type", [None, torch.float32])
def test_half_precision_is_computed_in_float32_and_rounded_once(device, dtype, flow_type):
    image, flow = scene(device, 1, 5, 6, 300, dtype=dtype)
    flow = flow.detach().to(flow_type or dtype).requires_grad_()
    out = resample2d(image, flow)
    expected = reference(image.float(), flow.float())
    one_step = torch.finfo(dtype).eps
    torch.testing.assert_close(out.float(), expected, atol=1e-5, rtol=one_step)
    found = torch.autograd.grad(out, (image, flow), torch.ones_like(out))
    wanted = torch.autograd.grad(expected, (image, flow), torch.ones_like(expected))
    assert [grad.dtype for grad in found] == [image.dtype, flow.dtype]
    for grad, wanted_grad in zip(found, wanted, strict=True):
        torch.testing.assert_close(grad.float(), wanted_grad.float(), atol=1e-4, rtol=2 * one_step)


@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 3, 0, 5), (2, 3, 4, 0)])
def test_empty_tensors_give_empty_results(device, shape):
    image, flow = scene(device, *shape, dtype=torch.float32)
    out = resample2d(image, flow)
    assert out.shape == shape
    out.sum().backward()
    assert image.grad is not None
    assert image.grad.shape == shape


def test_the_memory_layout_does_not_change_the_result(device):
    image, flow = scene(device, 2, 6, 5, 7, dtype=torch.float32)
    plain = resample2d(image, flow)
    weights = torch.randn(plain.shape, device=device).contiguous(memory_format=torch.channels_last)
    expected = torch.autograd.grad(plain, (image, flow), weights.contiguous())
    for change in (
        lambda t: t.contiguous(memory_format=torch.channels_last),
        lambda t: t.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0),
    ):
        pair = [change(t.detach()).requires_grad_() for t in (image, flow)]
        out = resample2d(*pair)
        assert torch.equal(out, plain)
        for grad, wanted_grad in zip(torch.autograd.grad(out, pair, weights), expected, strict=True):
            torch.testing.assert_close(grad, wanted_grad, atol=1e-6, rtol=1e-6)


def test_deterministic_algorithms_give_identical_bits(device):
    image, flow = scene(device, 1, 3, 20, 30, reach=20.0, dtype=torch.float32)
    usual = torch.autograd.grad(resample2d(image, flow).square().sum(), image)[0]
    torch.use_deterministic_algorithms(True)
    try:
        runs = [torch.autograd.grad(resample2d(image, flow).square().sum(), image)[0] for _ in range(3)]
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(runs[0], runs[1])
    assert torch.equal(runs[0], runs[2])
    torch.testing.assert_close(runs[0], usual, atol=1e-5, rtol=1e-5)


def test_the_gradient_of_one_input_does_not_depend_on_the_other_one_being_required(device):
    image, flow = scene(device, 1, 3, 4, 5, dtype=torch.float32)
    both = torch.autograd.grad(resample2d(image, flow).square().sum(), (image, flow))
    of_image = torch.autograd.grad(resample2d(image, flow.detach()).square().sum(), image)[0]
    of_flow = torch.autograd.grad(resample2d(image.detach(), flow).square().sum(), flow)[0]
    torch.testing.assert_close(both[0], of_image, atol=1e-6, rtol=1e-6)
    assert torch.equal(both[1], of_flow)


def test_kernels_loop_over_work_larger_than_the_grid(software_gpu, monkeypatch):
    monkeypatch.setattr(sys.modules["vst.motion.kernels.driver"], "_MAX_BLOCKS", 2)
    image, flow = scene(torch.device("cpu"), 3, 19, 13, 5, dtype=torch.float32)
    out, expected = resample2d(image, flow), reference(image, flow)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)
    found = torch.autograd.grad(out.square().sum(), (image, flow))
    wanted = torch.autograd.grad(expected.square().sum(), (image, flow))
    for grad, wanted_grad in zip(found, wanted, strict=True):
        torch.testing.assert_close(grad, wanted_grad, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("image", "flow", "message"),
    [
        (torch.zeros(1, 3, 4, 5), torch.zeros(1, 2, 4, 6), r"\(1, 3, 4, 5\).*\(1, 2, 4, 6\)"),
        (torch.zeros(1, 3, 4, 5), torch.zeros(1, 3, 4, 5), r"\(1, 3, 4, 5\).*B×2×H×W"),
        (torch.zeros(2, 3, 4, 5), torch.zeros(1, 2, 4, 5), r"\(2, 3, 4, 5\).*\(1, 2, 4, 5\)"),
        (torch.zeros(3, 4, 5), torch.zeros(2, 4, 5), r"\(3, 4, 5\).*B×C×H×W"),
        (torch.zeros(1, 3, 4, 5), torch.zeros(1, 2, 4, 5).double(), "float32 image by a float64 flow"),
        (torch.zeros(1, 3, 4, 5).half(), torch.zeros(1, 2, 4, 5).bfloat16(), "float16.*bfloat16"),
        (torch.zeros(1, 3, 4, 5).byte(), torch.zeros(1, 2, 4, 5), "uint8.*float64"),
        (torch.zeros(1, 3, 4, 5), torch.zeros(1, 2, 4, 5, device="meta"), "cpu.*meta"),
    ],
)
def test_operands_that_do_not_fit_are_refused_with_their_shapes_and_types(image, flow, message):
    with pytest.raises(ValueError, match=message):
        resample2d(image, flow)
