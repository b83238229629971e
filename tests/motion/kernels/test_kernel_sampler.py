"""The package spatial-correlation-sampler replaces our correlation on the CPU, with the same numbers."""

from __future__ import annotations

import importlib.util
import sys
from types import SimpleNamespace

import pytest
import torch

from vst.motion.kernels import correlation

SAMPLER = sys.modules["vst.motion.kernels.sampler"]
FITS = [(4, 1), (20, 2), (7, 3)]


@pytest.fixture
def forget(monkeypatch):
    """Clears the cached import of the package, before and after the test."""
    SAMPLER._sampler.cache_clear()
    yield
    SAMPLER._sampler.cache_clear()


def maps(dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(2, 3, 5, 6, generator=generator, dtype=dtype).requires_grad_() for _ in range(2)]


def own(monkeypatch, a, b, max_displacement, stride):
    with monkeypatch.context() as patch:
        patch.setattr(
            sys.modules["vst.motion.kernels.correlation"], "sampler_supports", lambda tensor: False
        )
        return correlation(a, b, max_displacement=max_displacement, stride=stride)


def documented(
    input1, input2, kernel_size=1, patch_size=1, stride=1, padding=0, dilation=1, dilation_patch=1
):
    """The documented result of the package: sums over channels, B×D×D×H×W, dy then dx."""
    assert (kernel_size, stride, padding, dilation) == (1, 1, 0, 1)
    height, width = input1.shape[-2:]
    edge = patch_size // 2 * dilation_patch
    padded = torch.nn.functional.pad(input2, (edge, edge, edge, edge))
    steps = range(0, 2 * edge + 1, dilation_patch)
    rows = [
        torch.stack([(input1 * padded[..., y : y + height, x : x + width]).sum(1) for x in steps], 1)
        for y in steps
    ]
    return torch.stack(rows, 1)


@pytest.mark.parametrize(("max_displacement", "stride"), FITS)
def test_its_documented_layout_and_scale_are_converted(monkeypatch, forget, max_displacement, stride):
    calls = []

    def counted(*arguments, **options):
        calls.append(arguments)
        return documented(*arguments, **options)

    module = SimpleNamespace(spatial_correlation_sample=counted)
    monkeypatch.setitem(sys.modules, "spatial_correlation_sampler", module)
    a, b = maps()
    given = correlation(a, b, max_displacement=max_displacement, stride=stride)
    assert len(calls) == 1
    torch.testing.assert_close(given, own(monkeypatch, a, b, max_displacement, stride))


def test_half_precision_and_empty_maps_do_not_use_the_package(monkeypatch, forget):
    monkeypatch.setitem(
        sys.modules, "spatial_correlation_sampler", SimpleNamespace(spatial_correlation_sample=None)
    )
    for maps in (torch.ones(1, 2, 3, 4).half(), torch.ones(0, 2, 3, 4)):
        assert correlation(maps, maps, max_displacement=1).shape == (len(maps), 9, 3, 4)


@pytest.mark.parametrize("failure", [ImportError, OSError])
def test_a_package_that_cannot_be_imported_is_ignored(monkeypatch, forget, failure):
    def refuse(name):
        raise failure(name)

    monkeypatch.setattr(SAMPLER.importlib, "import_module", refuse)
    a, b = maps()
    assert correlation(a, b, max_displacement=1).shape == (2, 9, 5, 6)


@pytest.mark.skipif(
    importlib.util.find_spec("spatial_correlation_sampler") is None,
    reason="spatial-correlation-sampler is not installed",
)
@pytest.mark.parametrize(("max_displacement", "stride"), FITS)
def test_the_real_package_gives_the_same_values_and_gradients(
    monkeypatch, forget, max_displacement, stride
):
    a, b = maps()
    assert SAMPLER.sampler_supports(a)
    given = correlation(a, b, max_displacement=max_displacement, stride=stride)
    ours = own(monkeypatch, a, b, max_displacement, stride)
    torch.testing.assert_close(given, ours)
    weights = torch.randn_like(ours)
    for first, second in zip(
        torch.autograd.grad(given, (a, b), weights),
        torch.autograd.grad(ours, (a, b), weights),
        strict=True,
    ):
        torch.testing.assert_close(first, second)
