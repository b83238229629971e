from __future__ import annotations

import torch

from vst.host.linear_light import to_display, to_linear


def test_middle_grey_has_the_values_of_the_standard():
    assert torch.allclose(to_linear(torch.tensor([0.5])), torch.tensor([0.21404]), atol=1e-5)
    assert torch.allclose(to_display(torch.tensor([0.18])), torch.tensor([0.46136]), atol=1e-5)


def test_the_conversions_are_inverse_outside_the_range_too():
    values = torch.linspace(-2, 4, 601)
    assert torch.allclose(to_linear(to_display(values)), values, atol=2e-5)


def test_linear_values_grow_with_display_values():
    values = to_linear(torch.linspace(-0.5, 1.5, 1001))
    assert bool((values.diff() > 0).all())
