from __future__ import annotations

import torch

from vst.host.colour import to_display, to_light


def test_middle_grey_is_where_the_standard_has_it():
    assert torch.allclose(to_light(torch.tensor([0.5])), torch.tensor([0.21404]), atol=1e-5)
    assert torch.allclose(to_display(torch.tensor([0.18])), torch.tensor([0.46136]), atol=1e-5)


def test_both_ways_give_back_what_was_there_outside_the_range_too():
    values = torch.linspace(-2, 4, 601)
    assert torch.allclose(to_light(to_display(values)), values, atol=2e-5)


def test_light_grows_with_display_values():
    values = to_light(torch.linspace(-0.5, 1.5, 1001))
    assert bool((values.diff() > 0).all())
