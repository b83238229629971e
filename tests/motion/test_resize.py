from __future__ import annotations

import pytest
import torch

from vst.motion.resize import resize_flow, resize_mask


@pytest.mark.parametrize("size", [(40, 60), (10, 15), (20, 90)], ids=["larger", "smaller", "wider"])
def test_vectors_are_scaled_with_the_size(size):
    flow = torch.stack((torch.full((20, 30), 3.0), torch.full((20, 30), -2.0)))
    resized = resize_flow(flow, size)
    assert resized.shape == (2, *size)
    assert torch.allclose(resized[0], torch.tensor(3.0 * size[1] / 30))
    assert torch.allclose(resized[1], torch.tensor(-2.0 * size[0] / 20))


def test_the_same_size_returns_the_input():
    flow, mask = torch.randn(2, 5, 7), (torch.rand(1, 5, 7) > 0.5).float()
    assert resize_flow(flow, (5, 7)) is flow
    assert resize_mask(mask, (5, 7)) is mask


def test_reducing_averages_all_pixels():
    flow = torch.zeros(2, 4, 4)
    flow[0, 0, 0] = 8.0
    assert resize_flow(flow, (2, 2))[0].tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_a_resized_mask_contains_only_zeros_and_ones():
    mask = torch.tensor([[[1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]])
    assert resize_mask(mask, (1, 2)).tolist() == [[[1.0, 0.0]]]
    assert resize_mask(mask[:, :, 1:3], (4, 4))[0, 0].tolist() == [1.0, 1.0, 0.0, 0.0]
