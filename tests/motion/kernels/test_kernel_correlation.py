"""Correlation has the published definition, on every kind of device."""

from __future__ import annotations

import sys

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from vst.motion.kernels import correlation

CASES = [
    # channels, height, width, max_displacement, stride
    (3, 7, 9, 4, 1),  # the displacements of PWC-Net, larger than half the map
    (16, 11, 40, 20, 2),  # the displacements of FlowNetC
    (5, 1, 1, 4, 1),
    (9, 6, 70, 3, 1),  # more than two tiles, the last one not full
    (4, 5, 8, 7, 3),  # a stride that does not divide the displacement
    (3, 4, 5, 0, 1),
    (2, 3, 4, 24, 12),  # a stride wider than the map
]


def reference(a: Tensor, b: Tensor, max_displacement: int, stride: int) -> Tensor:
    """The definition, one displacement after the other."""
    reach = max_displacement // stride
    height, width = a.shape[-2:]
    edge = reach * stride
    padded = F.pad(b, (edge, edge, edge, edge))
    costs = [
        (a * padded[..., y : y + height, x : x + width]).mean(1)
        for y in range(0, 2 * edge + 1, stride)
        for x in range(0, 2 * edge + 1, stride)
    ]
    return torch.stack(costs, dim=1)


def maps(device: torch.device, batch: int, channels: int, height: int, width: int, **kind) -> list[Tensor]:
    generator = torch.Generator().manual_seed(7)
    return [
        torch.randn(batch, channels, height, width, generator=generator, dtype=torch.float64)
        .to(device=device, **kind)
        .requires_grad_()
        for _ in range(2)
    ]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_and_gradients_follow_the_definition(device, case):
    *size, max_displacement, stride = case
    a, b = maps(device, 2, *size, dtype=torch.float32)
    costs = correlation(a, b, max_displacement=max_displacement, stride=stride)
    expected = reference(a, b, max_displacement, stride)
    torch.testing.assert_close(costs, expected, atol=1e-5, rtol=1e-5)
    assert costs.is_contiguous()
    weights = torch.randn(costs.shape, generator=torch.Generator().manual_seed(8)).to(device)
    found = torch.autograd.grad(costs, (a, b), weights)
    for grad, wanted_grad in zip(found, torch.autograd.grad(expected, (a, b), weights), strict=True):
        torch.testing.assert_close(grad, wanted_grad, atol=1e-5, rtol=1e-5)


def test_x_displacements_vary_fastest_and_positive_ones_point_right_and_down(device):
    a = torch.ones(1, 1, 5, 6, device=device)
    b = torch.zeros(1, 1, 5, 6, device=device)
    b[0, 0, 3, 4] = 1
    costs = correlation(a, b, max_displacement=2)
    # Seen from (y 2, x 5) the bright pixel is one row down and one column to the left.
    dy, dx = 1, -1
    found = costs[0, :, 2, 5].nonzero().flatten().tolist()
    assert found == [(dy + 2) * 5 + (dx + 2)]
    # It is within two pixels of four rows and four columns, once for each pixel.
    assert costs.sum() == 16


def test_costs_are_means_over_channels(device):
    a = torch.full((1, 8, 1, 1), 3.0, device=device)
    b = torch.full((1, 8, 1, 1), 5.0, device=device)
    assert correlation(a, b, max_displacement=0).item() == 15


@pytest.mark.parametrize(("max_displacement", "stride"), [(2, 1), (4, 2)])
def test_gradients_are_right_in_double_precision(device, max_displacement, stride):
    a, b = maps(device, 2, 3, 4, 5)
    assert torch.autograd.gradcheck(
        lambda a, b: correlation(a, b, max_displacement=max_displacement, stride=stride), (a, b)
    )


def test_the_gradient_of_one_map_does_not_depend_on_the_other_one_being_required(device):
    a, b = maps(device, 1, 3, 4, 5, dtype=torch.float32)
    both = torch.autograd.grad(correlation(a, b, max_displacement=1).square().sum(), (a, b))
    of_a = torch.autograd.grad(correlation(a, b.detach(), max_displacement=1).square().sum(), a)
    of_b = torch.autograd.grad(correlation(a.detach(), b, max_displacement=1).square().sum(), b)
    assert torch.equal(both[0], of_a[0])
    assert torch.equal(both[1], of_b[0])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_float32_and_rounded_once(device, dtype):
    a, b = maps(device, 1, 40, 6, 11, dtype=dtype)
    costs = correlation(a, b, max_displacement=4)
    expected = reference(a.float(), b.float(), 4, 1)
    one_step = torch.finfo(dtype).eps
    torch.testing.assert_close(costs.float(), expected, atol=1e-4, rtol=one_step)
    assert costs.dtype == dtype
    weights = torch.ones_like(costs)
    found = torch.autograd.grad(costs, (a, b), weights)
    for grad, wanted_grad in zip(
        found, torch.autograd.grad(expected, (a, b), weights.float()), strict=True
    ):
        torch.testing.assert_close(grad.float(), wanted_grad.float(), atol=one_step, rtol=2 * one_step)


def test_half_precision_sums_thousands_of_channels_correctly(device):
    ones = torch.ones(1, 5000, 1, 2, device=device, dtype=torch.float16)
    assert correlation(ones, ones, max_displacement=0).eq(1).all()


@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 3, 0, 5), (2, 3, 4, 0)])
def test_empty_tensors_give_empty_results(device, shape):
    a, b = maps(device, *shape, dtype=torch.float32)
    costs = correlation(a, b, max_displacement=2)
    assert costs.shape == (shape[0], 25, *shape[2:])
    costs.sum().backward()
    assert a.grad is not None
    assert a.grad.shape == shape


def test_the_memory_layout_does_not_change_the_result(device):
    a, b = maps(device, 2, 6, 5, 7, dtype=torch.float32)
    plain = correlation(a, b, max_displacement=2)
    last = [t.detach().contiguous(memory_format=torch.channels_last).requires_grad_() for t in (a, b)]
    turned = [
        t.detach().permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0).requires_grad_() for t in (a, b)
    ]
    weights = torch.randn(plain.shape, device=device).transpose(2, 3).contiguous().transpose(2, 3)
    expected = torch.autograd.grad(plain, (a, b), weights.contiguous())
    for pair in (last, turned):
        costs = correlation(*pair, max_displacement=2)
        assert torch.equal(costs, plain)
        for grad, wanted_grad in zip(torch.autograd.grad(costs, pair, weights), expected, strict=True):
            assert torch.equal(grad, wanted_grad)


def test_repeated_calls_give_identical_bits(device):
    a, b = maps(device, 2, 8, 9, 33, dtype=torch.float32)
    runs = []
    for _ in range(2):
        costs = correlation(a, b, max_displacement=4, stride=2)
        runs.append((costs, *torch.autograd.grad(costs.square().sum(), (a, b))))
    assert all(torch.equal(first, second) for first, second in zip(*runs, strict=True))


def test_autocast_does_not_change_the_result(device):
    a, b = maps(device, 1, 8, 5, 6, dtype=torch.float32)
    expected = correlation(a, b, max_displacement=2)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        assert torch.equal(correlation(a, b, max_displacement=2), expected)


def test_kernels_loop_over_work_larger_than_the_grid(software_gpu, monkeypatch):
    monkeypatch.setattr(sys.modules["vst.motion.kernels.driver"], "_MAX_BLOCKS", 2)
    a, b = maps(torch.device("cpu"), 2, 19, 13, 5, dtype=torch.float32)
    costs = correlation(a, b, max_displacement=2)
    expected = reference(a, b, 2, 1)
    torch.testing.assert_close(costs, expected, atol=1e-5, rtol=1e-5)
    found = torch.autograd.grad(costs.sum(), (a, b))
    for grad, wanted_grad in zip(found, torch.autograd.grad(expected.sum(), (a, b)), strict=True):
        torch.testing.assert_close(grad, wanted_grad, atol=1e-5, rtol=1e-5)


def test_a_second_derivative_is_refused():
    a, b = maps(torch.device("cpu"), 1, 2, 3, 3)
    (grad,) = torch.autograd.grad(
        correlation(a, b, max_displacement=1).square().sum(), a, create_graph=True
    )
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad.sum().backward()


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 5), r"\(1, 2, 3, 4\).*\(1, 2, 3, 5\)"),
        (torch.zeros(1, 2, 3, 4), torch.zeros(1, 3, 3, 4), r"\(1, 2, 3, 4\).*\(1, 3, 3, 4\)"),
        (torch.zeros(2, 3, 4), torch.zeros(2, 3, 4), r"\(2, 3, 4\).*B×C×H×W"),
        (torch.zeros(1, 0, 3, 4), torch.zeros(1, 0, 3, 4), r"\(1, 0, 3, 4\).*channel"),
        (torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4).half(), "float32.*float16"),
        (torch.zeros(1, 2, 3, 4).int(), torch.zeros(1, 2, 3, 4).int(), "int32.*float64"),
        (torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4, device="meta"), "cpu.*meta"),
    ],
)
def test_maps_that_do_not_fit_are_refused_with_their_shapes_and_types(a, b, message):
    with pytest.raises(ValueError, match=message):
        correlation(a, b, max_displacement=1)


@pytest.mark.parametrize(("max_displacement", "stride"), [(-1, 1), (4, 0)])
def test_displacements_out_of_range_are_refused(max_displacement, stride):
    a = torch.zeros(1, 2, 3, 4)
    with pytest.raises(ValueError, match=f"up to {max_displacement} in steps of {stride}"):
        correlation(a, a, max_displacement=max_displacement, stride=stride)
