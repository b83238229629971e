"""`dis`, refined by a network."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from vst.errors import VstError, WeightsError
from vst.files import file_digest
from vst.motion import ESTIMATORS, create_estimator
from vst.motion.estimators.dis import DisEstimator
from vst.motion.estimators.refined.refined_estimator import RefinedEstimator
from vst.motion.estimators.refined.refinement_network import (
    InitialFlows,
    RefinementNetwork,
    apply_correction,
    network_input,
)
from vst.motion.estimators.refined.refinement_weights import (
    load_refinement,
    refinement_path,
    save_refinement,
)

CPU = torch.device("cpu")


@pytest.fixture
def frames(make_world):
    world = make_world(camera=lambda t: (3.0 * t, 0.0, 1.0), disc=lambda t: (5.0 - 4 * t, 0.0, 25.0))
    return world.frame(0), world.frame(1)


@pytest.fixture
def no_weights(monkeypatch, tmp_path):
    """No installed weights; the folder that $VST_WEIGHTS names."""
    monkeypatch.setenv("VST_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(
        "vst.motion.estimators.refined.refinement_weights.user_data_folder", lambda: tmp_path / "user"
    )
    monkeypatch.setattr(
        "vst.motion.estimators.refined.refinement_weights._shipped_weights", lambda: tmp_path / "shipped"
    )
    return tmp_path


def trained(width: int = 2) -> RefinementNetwork:
    """A network whose output is not zero."""
    torch.manual_seed(0)
    network = RefinementNetwork(width)
    torch.nn.init.normal_(network.flownets.predict_flow2.weight, std=0.1)
    return network.requires_grad_(False).eval()


def test_an_untrained_network_returns_the_flow_of_dis(frames):
    refined = RefinedEstimator(RefinementNetwork(2), CPU, torch.float32)
    for mine, dis in zip(
        refined.estimate_pair(*frames), DisEstimator().estimate_pair(*frames), strict=True
    ):
        assert torch.equal(mine, dis)


def test_flow_alone_is_the_first_of_a_pair(frames):
    refined = RefinedEstimator(trained(), CPU, torch.float32)
    forth, back = refined.estimate_pair(*frames)
    for mine, dis in zip((forth, back), DisEstimator().estimate_pair(*frames), strict=True):
        assert not torch.equal(mine, dis)
    torch.testing.assert_close(refined.estimate(*frames), forth, rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [(64, 64), (50, 70), (33, 129)])
def test_frames_of_any_size_are_accepted(size):
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(2, 3, *size, generator=generator)
    flow = RefinedEstimator(trained(), CPU, torch.float32).estimate(*pictures)
    assert flow.shape == (2, *size)
    assert bool(flow.isfinite().all())


def test_a_large_frame_is_refined_in_tiles(frames, monkeypatch):
    whole = RefinedEstimator(trained(), CPU, torch.float32).estimate(*frames)
    monkeypatch.setattr("vst.motion.estimators.refined.refined_estimator._TILE", 128)
    monkeypatch.setattr("vst.motion.estimators.refined.refined_estimator._OVERLAP", 64)
    tiles = RefinedEstimator(trained(), CPU, torch.float32).estimate(*frames)
    assert not torch.equal(tiles, whole)
    torch.testing.assert_close(tiles, whole, rtol=0, atol=0.5)


def test_low_precision_changes_the_flow_little(frames):
    accurate, low = (
        RefinedEstimator(trained(), CPU, precision).estimate(*frames)
        for precision in (torch.float32, torch.bfloat16)
    )
    assert low.dtype == torch.float32
    torch.testing.assert_close(low, accurate, rtol=0, atol=0.2)


def test_frames_of_two_sizes_are_refused(frames):
    with pytest.raises(ValueError, match="expected 3×H×W of one size"):
        RefinedEstimator(RefinementNetwork(2), CPU, torch.float32).estimate(frames[0], frames[1][:, :-1])


def test_a_prediction_mixes_in_the_coarse_flow_and_adds_a_correction():
    accurate, coarse = torch.zeros(1, 2, 8, 8), torch.full((1, 2, 8, 8), 10.0)
    prediction = torch.tensor([0.5, 0.0, 0.25]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    flow = apply_correction(prediction, accurate, coarse)
    assert flow[0, :, 3, 4].tolist() == [0.25 * 10 + 0.5 * 4, 0.25 * 10]


def test_correct_flow_leaves_no_differences_in_the_network_input(make_world):
    world = make_world(camera=lambda t: (4.0 * t, 0.0, 1.0))
    first, second = world.frame(0)[None], world.frame(1)[None]
    forth, back = world.flow(0, 1)[None], world.flow(1, 0)[None]
    seen = network_input(first, second, InitialFlows(forth, forth, back))[..., 8:-8, 8:-8]
    picture, change, known, rest = seen[:, :3], seen[:, 3:8], seen[:, 8:10], seen[:, 10:]
    assert picture.abs().max() > 0.1
    assert float(change.abs().max()) < 0.02
    assert known.abs().max() > 0.3
    assert float(rest.abs().max()) < 1e-3
    wrong = network_input(first, second, InitialFlows(-forth, forth, back))[..., 8:-8, 8:-8]
    assert float(wrong[:, 3:7].abs().mean()) > 10 * float(change[:, :4].abs().mean())


def test_weights_are_found_in_the_folders_in_order_of_precedence(no_weights, frames):
    entry = ESTIMATORS["dis-refined"]
    assert "vst train flow" in str(entry.missing())
    with pytest.raises(VstError, match="'dis-refined' is not ready: it has no weights"):
        create_estimator("dis-refined")
    with pytest.raises(WeightsError, match="it has no weights"):
        load_refinement()
    for place in ("shipped/flow", "user/flow", "flow"):
        path = no_weights / place / "dis-refined.safetensors"
        path.parent.mkdir(parents=True)
        save_refinement(path, trained(), recipe="r", steps=1)
        assert refinement_path() == path
    assert entry.ready()
    estimator = create_estimator("dis-refined", device=CPU)
    assert estimator.name == "dis-refined"
    expected = RefinedEstimator(load_refinement(), CPU, torch.float32).estimate(*frames)
    assert torch.equal(estimator.estimate(*frames), expected)


def test_a_file_whose_hash_differs_from_its_catalogue_is_refused(tmp_path):
    path = tmp_path / "dis-refined.safetensors"
    save_refinement(path, trained(), recipe="r", steps=1)
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(f'[files."{path.name}"]\nsha256 = "{file_digest(path)}"\n')
    assert load_refinement(path).width == 2
    save_refinement(path, trained(), recipe="r", steps=2)
    with pytest.raises(WeightsError, match=r"the hash of .* differs"):
        load_refinement(path)


def test_a_saved_network_is_loaded_to_half_precision(tmp_path):
    path = tmp_path / "w.safetensors"
    network = trained(3)
    save_refinement(path, network, recipe="r", steps=1)
    again = load_refinement(path)
    assert again.width == 3
    for name, value in network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [
        ({"vst": "1", "architecture": "itn", "width": "2"}, "is not a weight file of dis-refined"),
        ({"vst": "1", "architecture": "dis-refined", "width": "0"}, "is not a weight file of dis-refined"),
        ({"vst": "1", "architecture": "dis-refined", "width": "wide"}, "cannot be read"),
        ({"vst": "1", "architecture": "dis-refined", "width": "2"}, "disagree about"),
    ],
)
def test_files_with_other_metadata_are_refused(tmp_path, metadata, complaint):
    path = tmp_path / "w.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata)
    with pytest.raises(WeightsError, match=complaint):
        load_refinement(path)
    path.write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="cannot be read"):
        load_refinement(path)
