"""Published checkpoints are imported as weights of estimators."""

from __future__ import annotations

import hashlib

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.conftest import flow_checkpoint
from tests.motion.published_parameters import published_shapes
from vst.errors import UsageError, WeightsError
from vst.motion.imported import flow_weights
from vst.motion.imported.flow_weights import (
    FLOW_NETWORKS,
    identify_estimator,
    import_weights,
    load_flow_network,
    missing_weights,
    weights_path,
)

FLOWNET2 = [name for name in FLOW_NETWORKS if name.startswith("flownet2")]


@pytest.mark.parametrize("name", FLOW_NETWORKS)
def test_every_published_network_is_identified_by_names_and_shapes(name):
    expected = {"flownet2-css-ft-sd": "flownet2-css"}.get(name, name)
    assert identify_estimator(published_shapes(name)) == expected


def test_parameters_that_differ_in_one_shape_or_name_are_not_identified():
    shapes = published_shapes("flownet2-s")
    assert identify_estimator({**shapes, "conv1.0.weight": (64, 12, 7, 7)}) is None
    assert identify_estimator({**shapes, "conv1.1.weight": (64,)}) is None
    assert (
        identify_estimator({name: shape for name, shape in shapes.items() if name != "conv1.0.bias"})
        is None
    )


@pytest.mark.parametrize("name", [each for each in FLOW_NETWORKS if each != "flownet2-css-ft-sd"])
def test_an_imported_checkpoint_is_ready_and_has_the_values_of_the_file(
    small_flow_networks, tmp_path, name
):
    family = "pwcnet" if name == "pwcnet" else "flownet2"
    source = flow_checkpoint(tmp_path / "x.pth.tar", name)
    assert f"vst weights import {family} FILE" in str(missing_weights(name))
    done = import_weights(family, source)
    assert (done.name, done.path) == (name, small_flow_networks / f"{name}.safetensors")
    assert done.same_network == (("flownet2-css-ft-sd",) if name == "flownet2-css" else ())
    assert missing_weights(name) is None
    network = load_flow_network(name)
    assert not network.training
    published = torch.load(source, weights_only=True)["state_dict"]
    for each, value in network.state_dict().items():
        assert torch.equal(value, published[each])
    assert not any(value.requires_grad for value in network.parameters())


def test_an_estimator_with_the_same_network_as_another_is_imported_by_name(small_flow_networks, tmp_path):
    assert str(missing_weights("flownet2-css-ft-sd")).endswith("--as flownet2-css-ft-sd")
    source = flow_checkpoint(tmp_path / "x.pth.tar", "flownet2-css")
    done = import_weights("flownet2", source, "flownet2-css-ft-sd")
    assert done.name == "flownet2-css-ft-sd"
    assert load_flow_network("flownet2-css-ft-sd") is not None
    assert missing_weights("flownet2-css") is not None


def test_the_metadata_names_the_estimator_and_the_source(small_flow_networks, tmp_path):
    source = flow_checkpoint(tmp_path / "x.pth.tar", "flownet2-s")
    done = import_weights("flownet2", source)
    with safe_open(done.path, "pt") as file:
        assert file.metadata() == {
            "vst": "1",
            "architecture": "flownet2-s",
            "source": "x.pth.tar",
            "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        }
    assert [each.name for each in small_flow_networks.iterdir()] == ["flownet2-s.safetensors"]


def test_a_network_of_published_size_is_imported(tmp_path, monkeypatch):
    monkeypatch.setattr(flow_weights, "user_data_folder", lambda: tmp_path / "data")
    state = {name: torch.zeros(shape) for name, shape in published_shapes("pwcnet").items()}
    torch.save({f"module.{name}": value for name, value in state.items()}, tmp_path / "pwc_net.pth.tar")
    import_weights("pwcnet", tmp_path / "pwc_net.pth.tar")
    first, second = torch.rand(2, 1, 3, 64, 64)
    with torch.no_grad():
        assert not bool(load_flow_network("pwcnet")(first, second).any())


def test_half_precision_and_tensors_that_share_memory_are_imported(small_flow_networks, tmp_path):
    state = FLOW_NETWORKS["flownet2-s"]().state_dict()
    shared = torch.rand(sum(value.numel() for value in state.values())).half()
    at = 0
    for name, value in state.items():
        state[name] = shared[at : at + value.numel()].view(value.shape)
        at += value.numel()
    torch.save(state, tmp_path / "x.pth")
    done = import_weights("flownet2", tmp_path / "x.pth")
    for name, value in load_file(done.path).items():
        assert torch.equal(value, state[name].float())


@pytest.mark.parametrize(
    ("family", "change", "line"),
    [
        ("pwcnet", lambda state: state, "it contains flownet2-s; use vst weights import flownet2"),
        ("flownet2", lambda state: {"w": torch.zeros(2)}, "its parameters have other names or shapes"),
        (
            "flownet2",
            lambda state: {**state, "conv1.1.weight": torch.zeros(4)},
            "it has conv1.1.weight, which flownet2-s does not have",
        ),
        (
            "flownet2",
            lambda state: {name: value for name, value in state.items() if name != "conv2.0.bias"},
            "it lacks conv2.0.bias of flownet2-s",
        ),
        (
            "flownet2",
            lambda state: {**state, "conv2.0.bias": torch.zeros(5)},
            r"conv2.0.bias has shape \(5,\); expected \(8,\) as in flownet2-s",
        ),
        (
            "flownet2",
            lambda state: {**state, "conv2.0.bias": torch.full((8,), torch.nan)},
            "numbers that are not finite in conv2.0.bias",
        ),
    ],
)
def test_a_checkpoint_of_another_network_is_refused_with_the_difference(
    small_flow_networks, tmp_path, family, change, line
):
    source = tmp_path / "x.pth"
    torch.save(change(FLOW_NETWORKS["flownet2-s"]().state_dict()), source)
    with pytest.raises(WeightsError, match=line) as caught:
        import_weights(family, source)
    assert "\n" not in str(caught.value)
    assert not small_flow_networks.exists()


def test_an_estimator_that_does_not_fit_the_file_is_refused(small_flow_networks, tmp_path):
    source = flow_checkpoint(tmp_path / "x.pth", "flownet2-s")
    with pytest.raises(WeightsError, match="contains flownet2-s, not flownet2-c"):
        import_weights("flownet2", source, "flownet2-c")
    with pytest.raises(UsageError, match="did you mean 'flownet2-css-ft-sd'"):
        import_weights("flownet2", source, "flownet2-css-ftsd")
    with pytest.raises(UsageError, match="did you mean 'flownet2'"):
        import_weights("flownet", source)


def test_weights_that_cannot_be_stored_leave_no_file(small_flow_networks, tmp_path, monkeypatch):
    def full(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(flow_weights, "save_file", full)
    with pytest.raises(WeightsError, match=r"cannot be written .*No space left"):
        import_weights("flownet2", flow_checkpoint(tmp_path / "x.pth", "flownet2-s"))
    assert list(small_flow_networks.iterdir()) == []


def test_missing_or_damaged_weights_are_refused_by_name(small_flow_networks, tmp_path):
    with pytest.raises(WeightsError, match=r"'flownet2-s' is not ready.*vst weights import flownet2 FILE"):
        load_flow_network("flownet2-s")
    path = import_weights("flownet2", flow_checkpoint(tmp_path / "x.pth", "flownet2-s")).path
    whole, state = path.read_bytes(), load_file(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match=r"cannot be read .*import it again"):
        load_flow_network("flownet2-s")
    path.write_bytes(whole)
    path.rename(weights_path("flownet2-c"))
    with pytest.raises(WeightsError, match="is not a weight file of flownet2-c"):
        load_flow_network("flownet2-c")
    save_file({**state, "conv1.0.bias": torch.zeros(9)}, path, {"vst": "1", "architecture": "flownet2-s"})
    with pytest.raises(WeightsError, match=r"conv1\.0\.bias has shape"):
        load_flow_network("flownet2-s")
