"""The padded convolution is the same in and out of autocast, and copies nothing to fp32."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from vst.nn.layers import ReflectedConv2d


def test_a_convolution_under_autocast_pads_in_the_type_of_its_input(monkeypatch):
    torch.manual_seed(0)
    layer, x = ReflectedConv2d(4, 4, 3), torch.randn(1, 4, 12, 10).bfloat16()
    expected = F.conv2d(F.pad(x, (1,) * 4, mode="reflect"), layer.weight.bfloat16(), layer.bias.bfloat16())
    types, pad = [], F.pad

    def padded(*args, **kwargs):
        result = pad(*args, **kwargs)
        types.append(result.dtype)
        return result

    monkeypatch.setattr(F, "pad", padded)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer(x), expected)
    assert types == [torch.bfloat16]


def test_gradients_reach_the_input_through_the_border():
    layer, x = ReflectedConv2d(2, 3, 3), torch.randn(1, 2, 6, 6, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        layer(x).float().sum().backward()
    assert x.grad is not None
    assert bool((x.grad != 0).all())
