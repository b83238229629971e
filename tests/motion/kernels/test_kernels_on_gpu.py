"""Tests that need a GPU: streams, threads, sizes beyond 2^31, and a second device."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from vst.motion.kernels import channelnorm, correlation, resample2d


def test_kernels_run_on_the_current_stream(gpu):
    side = torch.cuda.Stream(gpu)
    a = torch.rand(1, 64, 96, 128, device=gpu)
    expected = correlation(a, a, max_displacement=4), resample2d(a, a[:, :2]), channelnorm(a)
    torch.cuda.synchronize(gpu)
    with torch.cuda.stream(side):
        # Long enough that a kernel on any other stream would read uninitialized values.
        late = torch.zeros_like(a)
        torch.cuda._sleep(50_000_000)
        late.copy_(a)
        found = (
            correlation(late, late, max_displacement=4),
            resample2d(late, late[:, :2].contiguous()),
            channelnorm(late),
        )
    side.synchronize()
    for mine, wanted in zip(found, expected, strict=True):
        assert torch.equal(mine, wanted)


def test_gradients_run_on_the_stream_of_their_forward_pass(gpu):
    side = torch.cuda.Stream(gpu)
    values = torch.rand(1, 32, 48, 64, device=gpu)
    results = []
    for stream in (torch.cuda.current_stream(gpu), side):
        stream.wait_stream(torch.cuda.current_stream(gpu))
        with torch.cuda.stream(stream):
            a = values.clone().requires_grad_()
            correlation(a, a, max_displacement=4).square().sum().backward()
        stream.synchronize()
        results.append(a.grad)
    assert results[0] is not None
    assert torch.equal(results[0], results[1])


def test_kernels_run_in_new_threads(gpu):
    a = torch.rand(1, 8, 20, 30, device=gpu)
    expected = correlation(a, a, max_displacement=2)
    torch.cuda.synchronize(gpu)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: correlation(a, a, max_displacement=2), range(16)))
    torch.cuda.synchronize(gpu)
    assert all(torch.equal(each, expected) for each in found)


def test_tensors_of_more_than_two_billion_elements_are_indexed_correctly(gpu):
    height, width = 33_000, 33_000
    if torch.cuda.mem_get_info(gpu)[0] < 40 * 2**30:
        pytest.skip("needs 40 GiB of free GPU memory")
    x = torch.zeros(1, 2, height, width, device=gpu, dtype=torch.bfloat16)
    x[0, :, -1, -1] = torch.tensor((3.0, 4.0), device=gpu, dtype=torch.bfloat16)
    assert channelnorm(x)[0, 0, -1, -1].item() == 5
    costs = correlation(x, x, max_displacement=0)
    assert costs[0, 0, -1, -1].item() == 12.5
    del costs
    flow = torch.zeros(1, 2, height, width, device=gpu, dtype=torch.bfloat16)
    assert resample2d(x, flow)[0, :, -1, -1].tolist() == [3, 4]


def test_the_second_device_has_its_own_modules(gpu):
    if torch.cuda.device_count() < 2:
        pytest.skip("only one GPU here")
    x = torch.rand(1, 3, 5, 6)
    found = channelnorm(x.to("cuda:1"))
    assert found.device.index == 1
    torch.testing.assert_close(found.cpu(), channelnorm(x))


def test_maps_on_two_devices_are_refused_with_both_devices(gpu):
    a = torch.rand(1, 3, 5, 6)
    with pytest.raises(ValueError, match="cpu and on cuda"):
        correlation(a, a.to(gpu), max_displacement=1)
    with pytest.raises(ValueError, match="cpu and on cuda"):
        resample2d(a, a[:, :2].to(gpu))
