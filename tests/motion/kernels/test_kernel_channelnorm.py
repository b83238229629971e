"""channelnorm is the norm over channels, with a gradient everywhere, on each device."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor

from vst.motion.kernels import channelnorm


def picture(device: torch.device, *shape: int, **kind) -> Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    return values.to(device=device, **kind).requires_grad_()


def reference(x: Tensor) -> Tensor:
    """The definition."""
    return torch.linalg.vector_norm(x, dim=1, keepdim=True)


@pytest.mark.parametrize("shape", [(2, 3, 7, 9), (1, 1, 1, 1), (3, 12, 5, 70)], ids=str)
def test_values_and_gradients_follow_the_definition(device, shape):
    x = picture(device, *shape, dtype=torch.float32)
    out, expected = channelnorm(x), reference(x)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)
    assert out.is_contiguous()
    weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(3)).to(device)
    (found,) = torch.autograd.grad(out, x, weights)
    torch.testing.assert_close(found, torch.autograd.grad(expected, x, weights)[0], atol=1e-5, rtol=1e-5)


def test_the_gradient_is_right_in_double_precision(device):
    assert torch.autograd.gradcheck(channelnorm, picture(device, 2, 3, 3, 4))


def test_the_gradient_is_zero_where_all_channels_are_zero(device):
    x = torch.ones(1, 3, 2, 2, device=device)
    x[:, :, 0, 1] = 0
    x.requires_grad_()
    channelnorm(x).sum().backward()
    assert x.grad is not None
    assert x.grad[:, :, 0, 1].eq(0).all()
    torch.testing.assert_close(x.grad[:, :, 1, 1], torch.full((1, 3), 3**-0.5, device=device))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_float32_and_rounded_once(device, dtype):
    # Their squares overflow float16.
    x = (picture(device, 1, 7, 5, 40).detach() * 500).to(dtype).requires_grad_()
    out, expected = channelnorm(x), reference(x.float())
    one_step = torch.finfo(dtype).eps
    torch.testing.assert_close(out.float(), expected, atol=0, rtol=one_step)
    assert out.dtype == dtype
    (found,) = torch.autograd.grad(out, x, torch.ones_like(out))
    (wanted,) = torch.autograd.grad(expected, x, torch.ones_like(expected))
    torch.testing.assert_close(found.float(), wanted.float(), atol=1e-6, rtol=2 * one_step)


@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 3, 0, 5), (2, 3, 4, 0)])
def test_empty_tensors_give_empty_results(device, shape):
    x = picture(device, *shape, dtype=torch.float32)
    out = channelnorm(x)
    assert out.shape == (shape[0], 1, *shape[2:])
    out.sum().backward()
    assert x.grad is not None
    assert x.grad.shape == shape


def test_the_memory_layout_does_not_change_the_result(device):
    x = picture(device, 2, 6, 5, 7, dtype=torch.float32)
    plain = channelnorm(x)
    weights = torch.randn(2, 1, 7, 5, device=device).transpose(2, 3)
    (expected,) = torch.autograd.grad(plain, x, weights.contiguous())
    for change in (
        lambda t: t.contiguous(memory_format=torch.channels_last),
        lambda t: t.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0),
    ):
        other = change(x.detach()).requires_grad_()
        out = channelnorm(other)
        torch.testing.assert_close(out, plain, atol=1e-6, rtol=1e-6)
        assert out.is_contiguous()
        (found,) = torch.autograd.grad(out, other, weights)
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)


def test_kernels_loop_over_work_larger_than_the_grid(software_gpu, monkeypatch):
    monkeypatch.setattr(sys.modules["vst.motion.kernels.driver"], "_MAX_BLOCKS", 2)
    x = picture(torch.device("cpu"), 3, 4, 19, 5, dtype=torch.float32)
    out, expected = channelnorm(x), reference(x)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)
    (found,) = torch.autograd.grad(out.sum(), x)
    torch.testing.assert_close(found, torch.autograd.grad(expected.sum(), x)[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(3, 4, 5), r"\(3, 4, 5\).*B×C×H×W"),
        (torch.zeros(1, 0, 4, 5), r"\(1, 0, 4, 5\).*channel"),
        (torch.zeros(1, 3, 4, 5).long(), "int64.*float64"),
    ],
)
def test_other_tensors_are_refused_with_their_shape_or_type(x, message):
    with pytest.raises(ValueError, match=message):
        channelnorm(x)
