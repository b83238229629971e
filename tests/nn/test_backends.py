"""Every backend gives torch's picture within 2/255 on average, and says what it cannot run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.nn.test_folding import NETWORKS, varied
from vst.errors import UsageError, VstError
from vst.modes.itn.network import ITN
from vst.modes.lstm.network import LSTM
from vst.modes.network_file import load_network
from vst.nn.backends import BACKENDS, BackendEntry, BackendError, check_backend
from vst.nn.body import Variant
from vst.nn.executor import WholeFrame
from vst.nn.style_parameters import one_style

OTHERS = [
    pytest.param(name, marks=pytest.mark.skipif(entry.missing is not None, reason=str(entry.missing)))
    for name, entry in BACKENDS.items()
]
WEIGHTS = Path(__file__).parents[2] / "weights"
MIX = torch.tensor([[0.3, 0.7]])


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def picture(network, height=48, width=64, count=1):
    coarse = torch.rand(count, network.inputs, 8, 8)
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear") * 2 - 1


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "Johnson's layers"])
@pytest.mark.parametrize("backend", OTHERS)
def test_a_backend_gives_the_picture_of_the_network(backend, name):
    network = varied(NETWORKS[name]())
    run = BACKENDS[backend].open(network, MIX, torch.float32)
    for size in ((48, 64), (45, 61)):
        x = picture(network, *size)
        expected = network.stylize(WholeFrame(MIX), [x])
        found = run([x[:, :3], x[:, 3:]] if network.inputs > 3 else [x])
        assert found.shape == expected.shape
        assert 255 * (found - expected).abs().mean() / 2 < 0.1
        assert expected.std() > 0.02


@pytest.mark.parametrize("mode", ["itn", "vtn"])
@pytest.mark.parametrize("backend", OTHERS)
def test_in_bf16_the_networks_that_ship_stay_within_two_of_255(backend, mode):
    network, _ = load_network(WEIGHTS / f"{mode}-fast.safetensors")
    mix = one_style(0, network.styles)
    x = picture(network, 96, 136)
    expected = network.stylize(WholeFrame(mix), [x])
    found = BACKENDS[backend].open(network, mix, torch.bfloat16)([x])
    assert 255 * (found - expected).abs().mean() / 2 < 2
    assert not torch.equal(found, expected)


@pytest.mark.parametrize("backend", OTHERS)
def test_a_backend_gives_the_same_picture_each_time_and_leaves_earlier_ones(backend):
    network = varied(ITN(3, 2))
    run = BACKENDS[backend].open(network, MIX, torch.float32)
    x = picture(network)
    first = run([x])
    kept = first.clone()
    run([-x])
    assert torch.equal(first, kept)
    assert torch.equal(run([x]), first)


@pytest.mark.parametrize("backend", OTHERS)
def test_a_backend_takes_several_frames_and_more_sizes_than_it_keeps(backend):
    network = varied(ITN(2, 2))
    run = BACKENDS[backend].open(network, MIX, torch.float32)
    both = picture(network, count=2)
    torch.testing.assert_close(run([both])[1:], run([both[1:]]), atol=1e-3, rtol=0)
    first = run([picture(network, 40, 40)])
    for side in range(41, 47):
        assert run([picture(network, side, 40)]).shape == (1, 3, side, 40)
    assert run([picture(network, 40, 40)]).shape == first.shape


@pytest.mark.parametrize("backend", OTHERS)
def test_later_changes_of_the_network_do_not_count(backend):
    network = varied(ITN(2, 2))
    run, x = BACKENDS[backend].open(network, MIX, torch.float32), picture(network)
    first = run([x])
    network.last.weight.zero_()
    run([picture(network, 40, 40)])
    assert torch.equal(run([x]), first)


@pytest.mark.skipif(BACKENDS["openvino"].missing is not None, reason=str(BACKENDS["openvino"].missing))
class TestOpenVino:
    def test_layers_that_the_graph_lacks_are_refused(self):
        network = varied(ITN(2, 2, Variant(norm="batch", upsampling="transposed")))
        run = BACKENDS["openvino"].open(network, MIX, torch.float32)
        with pytest.raises(BackendError, match="ConditionalBatchNorm2d has no counterpart"):
            run([picture(network)])

    def test_a_recurrent_cell_is_refused(self):
        from vst.nn.backends.openvino_graph import GraphBuilder

        network = varied(LSTM(2, 2))
        with pytest.raises(BackendError, match="recurrent has no counterpart"):
            GraphBuilder(network, MIX).recurrent(network.memory, (), (), 3)

    @pytest.mark.parametrize(
        ("text", "kind"), [("std::bad_alloc", MemoryError), ("Check failed\nno kernel", BackendError)]
    )
    def test_an_error_of_the_library_is_told_from_a_lack_of_memory(self, monkeypatch, text, kind):
        network = varied(ITN(2, 2))
        run = BACKENDS["openvino"].open(network, MIX, torch.float32)

        def broken(*_):
            raise RuntimeError(text)

        monkeypatch.setattr(run, "_frame", broken)
        with pytest.raises(
            kind, match="bad_alloc" if kind is MemoryError else "no kernel.*--backend torch"
        ):
            run([picture(network)])

    def test_nothing_is_reported_to_its_makers(self, tmp_path):
        code = (
            "import socket, sys, torch\n"
            "def refuse(*_): raise AssertionError('a connection')\n"
            "socket.socket.connect = refuse\n"
            "from vst.modes.itn.network import ITN\n"
            "from vst.nn.backends import BACKENDS\n"
            "run = BACKENDS['openvino'].open(ITN(2), torch.ones(1, 1), torch.float32)\n"
            "run([torch.rand(1, 3, 32, 32)])\n"
            "assert 'openvino' in sys.modules\n"
            "assert 'openvino_telemetry' not in sys.modules\n"
        )
        environment = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PATH": ""}
        environment["PYTHONPATH"] = ":".join(sys.path)
        subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)
        assert list(tmp_path.iterdir()) == []


def test_an_unknown_backend_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match=r"unknown backend 'opnvino': did you mean 'openvino'"):
        check_backend("opnvino")


def test_a_backend_whose_package_is_missing_says_what_to_install(monkeypatch):
    monkeypatch.setitem(BACKENDS, "openvino", BackendEntry("openvino", "", "no_such_package"))
    with pytest.raises(VstError, match=r"needs the package no_such_package: pip install .*--backend torch"):
        check_backend("openvino")
    assert BACKENDS["openvino"].version == "unknown"
