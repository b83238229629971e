"""torchvision's RAFT as an estimator."""

from __future__ import annotations

import urllib.error
from pathlib import Path

import pytest
import torch
from torchvision.models.optical_flow import Raft_Small_Weights, raft_small

from vst.errors import VstError, WeightsError
from vst.motion import ESTIMATORS, create_estimator
from vst.motion.estimators.raft import RAFT_NAMES, RaftEstimator, fetch_raft, missing_raft

CPU = torch.device("cpu")


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of torch."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def weights(cache) -> Path:
    """An untrained raft-small in the cache of torch, instead of the trained one."""
    path = cache / Raft_Small_Weights.DEFAULT.url.rsplit("/", 1)[1]
    torch.manual_seed(2)
    torch.save(raft_small().state_dict(), path)
    return path


def pictures(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    a, b = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1))
    return a, b


def test_flow_equals_that_of_torchvision(weights):
    a, b = pictures(128, 136)
    network = raft_small()
    network.load_state_dict(torch.load(weights, weights_only=True))
    with torch.no_grad():
        first, second = Raft_Small_Weights.DEFAULT.transforms()(a[None], b[None])
        expected = network.eval()(first, second)[-1][0]
    torch.testing.assert_close(RaftEstimator("raft-small", CPU, torch.float32).estimate(a, b), expected)


def test_odd_and_small_sizes_work_in_both_directions(weights):
    estimator = create_estimator("raft-small", device=CPU)
    assert estimator.name == "raft-small"
    a, b = pictures(61, 131)
    forth, back = estimator.estimate_pair(a, b)
    assert forth.shape == back.shape == (2, 61, 131)
    torch.testing.assert_close(back, estimator.estimate(b, a), atol=1e-3, rtol=1e-3)


def test_low_precision_applies_to_features_only(weights):
    exact, rough = (RaftEstimator("raft-small", CPU, kind) for kind in (torch.float32, torch.bfloat16))
    a, b = pictures(64, 64)
    correlated = []
    block = rough._raft.corr_block
    build = block.build_pyramid
    block.build_pyramid = lambda one, other: (correlated.append(one.dtype), build(one, other))
    flow = rough.estimate(a, b)
    assert correlated == [torch.float32]
    assert flow.dtype == torch.float32
    assert not torch.equal(flow, exact.estimate(a, b))


@pytest.mark.parametrize("name", RAFT_NAMES)
def test_missing_weights_are_reported_with_the_command_that_fetches_them(cache, name):
    assert not ESTIMATORS[name].ready()
    assert f"vst weights fetch {name}" in str(missing_raft(name))
    with pytest.raises(VstError, match=f"'{name}' is not ready: .*vst weights fetch {name}"):
        create_estimator(name)
    with pytest.raises(WeightsError, match="is not ready"):
        RaftEstimator(name, CPU, torch.float32)


def test_damaged_weights_are_refused_by_name(weights):
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(WeightsError, match="is damaged; delete it and run: vst weights fetch raft-small"):
        create_estimator("raft-small", device=CPU)


def test_a_failed_download_is_reported_with_the_url_and_the_folder(cache, monkeypatch):
    def offline(*arguments, **options):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("torch.hub.urlopen", offline)
    with pytest.raises(WeightsError, match=r"no route to host.*download https://\S+\.pth to") as caught:
        fetch_raft("raft-small")
    assert str(cache) in str(caught.value)


def test_cached_weights_are_not_downloaded_again(weights, monkeypatch):
    monkeypatch.setattr("torch.hub.urlopen", lambda *arguments, **options: pytest.fail("asked"))
    fetch_raft("raft-small")


def test_a_torchvision_that_cannot_be_imported_is_reported_as_missing(monkeypatch):
    def broken(name):
        raise RuntimeError("operator torchvision::nms\ndoes not exist")

    monkeypatch.setattr("vst.motion.estimators.raft._torchvision", broken)
    assert missing_raft("raft-small") == (
        "torchvision cannot be imported (operator torchvision::nms does not exist): "
        "install the version that belongs to this torch"
    )
    monkeypatch.setattr("vst.motion.estimators.raft.importlib.util.find_spec", lambda name: None)
    assert missing_raft("raft-small") == "torchvision is not installed: pip install torchvision"
