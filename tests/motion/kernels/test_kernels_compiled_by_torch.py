"""The operations work inside of torch.compile."""

from __future__ import annotations

import torch

from vst.motion.kernels import channelnorm, correlation, resample2d


def test_a_function_compiled_by_torch_gives_the_same_values_and_gradients(device):
    def network(image: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
        warped = resample2d(image, flow * 2)
        return correlation(image, warped, max_displacement=1).sum() + channelnorm(image - warped).sum()

    image = torch.rand(1, 3, 5, 6, generator=torch.Generator().manual_seed(1)).to(device).requires_grad_()
    flow = torch.rand(1, 2, 5, 6, generator=torch.Generator().manual_seed(2)).to(device).requires_grad_()
    expected = network(image, flow)
    found = torch.compile(network, backend="eager")(image, flow)
    torch.testing.assert_close(found, expected)
    grads = torch.autograd.grad(expected, (image, flow))
    for mine, wanted in zip(torch.autograd.grad(found, (image, flow)), grads, strict=True):
        torch.testing.assert_close(mine, wanted)
