"""The devices on which operations are tested: PyTorch's operations, the CUDA sources on the CPU, a GPU."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
import torch
from software_gpu import SoftwareGpu, find_compiler


@pytest.fixture(scope="session")
def built_gpu(tmp_path_factory: pytest.TempPathFactory) -> SoftwareGpu:
    if sys.platform != "linux":
        pytest.skip("the software GPU needs Linux")
    if find_compiler() is None:
        pytest.skip("no C++ compiler runs the CUDA sources on the CPU here")
    return SoftwareGpu(tmp_path_factory.mktemp("software-gpu"))


@pytest.fixture
def software_gpu(built_gpu: SoftwareGpu, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftwareGpu]:
    """Makes operations on CPU tensors run the CUDA sources, thread by thread."""
    built_gpu.use(monkeypatch)
    yield built_gpu
    assert built_gpu.library.contexts_left() == 0


@pytest.fixture
def gpu(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> torch.device:
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    return torch.device("cuda", torch.cuda.current_device())


@pytest.fixture(params=["pytorch", "software", "gpu"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> torch.device:
    """Each of the three in turn, as the torch device of its tensors."""
    # Not the correlation of spatial-correlation-sampler, if that is installed.
    monkeypatch.setattr(
        sys.modules["vst.motion.kernels.correlation"], "sampler_supports", lambda tensor: False
    )
    if request.param == "gpu":
        found: torch.device = request.getfixturevalue("gpu")
        return found
    if request.param == "software":
        request.getfixturevalue("software_gpu")
    return torch.device("cpu")
